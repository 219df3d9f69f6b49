"""What a run tells a webhook and a command, and that it never waits for them."""

import json
import logging
import sys
import time

import pytest

from aa.errors import UserError
from aa.runs import alerts
from aa.runs.alerts import DISK, FAILED, FINISHED, SKIPPED, SPIKE, Alerts
from tests.webhook import webhook

KEEP = "import sys; open(sys.argv[1], 'a').write(f'{sys.argv[2:]} {sys.stdin.read()}\\n')"


def make(url=None, command=None, per_hour=12, **options):
    return Alerts(url, command, per_hour=per_hour, name="walk", folder="outputs/run", **options)


def test_a_webhook_gets_text_for_people_and_facts_for_programs():
    with webhook() as hook, make(hook.url) as told:
        told.tell(SPIKE, "loss 3 <!channel> at step 7", step=7, loss=3.0)
        told.close()
    (message,) = hook.messages
    assert message["text"].startswith("aa: walk (outputs/run) on ")
    assert message["text"].endswith(": loss 3 &lt;!channel&gt; at step 7")
    facts = {"event": "loss_spike", "run": "walk", "folder": "outputs/run", "step": 7, "loss": 3.0}
    assert facts.items() <= message.items()


def test_a_command_gets_its_words_as_they_are_and_json_on_its_input(tmp_path):
    out = tmp_path / "told"
    words = [sys.executable, "-c", KEEP, str(out), "%event", "%text", "$HOME; touch x"]
    with make(command=words) as told:
        told.tell(FAILED, "no \x1b[2J'$(touch y)' disk")
    given, _, content = out.read_text().partition(" {")
    assert "\\x1b" in given and "$(touch y)" in given and "'$HOME; touch x'" in given
    assert json.loads("{" + content)["event"] == "failed"


def test_the_address_may_stand_in_the_environment(monkeypatch):
    with webhook() as hook:
        monkeypatch.setenv("HOOK", hook.url)
        with make("env:HOOK") as told:
            told.tell(FINISHED, "finished")
    assert len(hook.messages) == 1


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"url": "http://127.0.0.1:9/secret-path"},
            "alerts.url: nobody was told (ConnectionError)",
        ),
        ({"url": "env:NOT_THERE"}, "alerts.url: nobody was told (there is no NOT_THERE in the"),
        ({"command": ["no-such-program"]}, "alerts.command: nobody was told (no-such-program: No"),
        ({"command": ["false"]}, "alerts.command: nobody was told (false ended with 1)"),
    ],
)
def test_who_cannot_be_told_is_a_line_in_the_log_once_without_the_address(options, reason, caplog):
    with caplog.at_level(logging.WARNING), make(**options) as told:
        for _ in range(3):
            told.tell(FAILED, "failed")
    (line,) = [message for message in caplog.messages if "nobody was told" in message]
    assert line.startswith(reason) and "secret-path" not in caplog.text


def test_a_redirect_is_an_answer_and_not_followed(caplog):
    with (
        webhook() as other,
        webhook(status=302, location=other.url) as hook,
        make(hook.url) as told,
    ):
        told.tell(FAILED, "failed")
        told.close()
        assert not other.messages
    assert "the address answered 302" in caplog.text


def test_telling_never_waits_and_the_end_only_so_long():
    with webhook() as hook:
        hook.answers.clear()
        told, begun = make(hook.url), time.monotonic()
        for _ in range(100):
            told.tell(FAILED, "failed")
        assert time.monotonic() - begun < 1
        told.close(within=0.2)
        assert time.monotonic() - begun < 2


def test_a_command_that_hangs_is_ended_with_all_it_started(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(alerts, "RUNS_WITHIN", 0.5)
    script = f"(sleep 2; touch {tmp_path}/late) & sleep 30"
    with make(command=["sh", "-c", script]) as told:
        told.tell(FAILED, "failed")
    assert "took more than 0.5 s" in caplog.text
    time.sleep(2)
    assert not (tmp_path / "late").exists()


def counted(told, events):
    """The events that are told of some, and how many were held back before each."""
    kept = []
    told._put = lambda message: kept.append((message["event"], message["text"].count("held back")))
    for event in events:
        told.tell(event, "x")
    return kept


def test_of_a_kind_one_is_told_in_ten_minutes_but_the_end_always():
    now = [0.0]
    told = make("http://x", clock=lambda: now[0])
    assert counted(told, [SKIPPED, SKIPPED, DISK]) == [(SKIPPED, 0), (DISK, 1)]
    now[0] = 599.0
    assert counted(told, [SKIPPED, FAILED, FAILED]) == [(FAILED, 1), (FAILED, 1)]
    now[0] = 600.0
    assert counted(told, [SKIPPED]) == [(SKIPPED, 1)]


def test_in_an_hour_at_most_so_many_are_told():
    now = [0.0]
    told = make("http://x", per_hour=2, clock=lambda: now[0])
    assert len(counted(told, [SKIPPED, DISK, SPIKE])) == 2
    now[0] = 3599.0
    assert counted(told, [SPIKE, FINISHED]) == [(FINISHED, 1)]
    now[0] = 3600.0
    assert len(counted(told, [SKIPPED, DISK, SPIKE])) == 2


@pytest.mark.parametrize(
    ("override", "line"),
    [
        ("alerts.url=ftp://x", "alerts.url must be an http:// or https:// address"),
        ("alerts.command=[]", "alerts.command must be a list of words"),
        ("alerts.stall=1", "alerts.stall must be more than 1"),
        ("alerts.per_hour=0", "alerts.per_hour must be more than 0"),
    ],
)
def test_impossible_values_are_refused(override, line, compose):
    with pytest.raises(UserError, match=line):
        compose("evaluate", ["generated=a", "truth=b", override])
