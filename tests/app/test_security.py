"""Who is let in, and what an answer may do."""

import pytest

from aa.app.application import create_app
from aa.app.security import COOKIE
from aa.app.server import make_desk
from aa.config.app import ServerConfig
from tests.app.conftest import Page

TOKEN = "a secret of many characters"


def test_every_answer_forbids_scripts_that_are_not_ours(page, training):
    for path in ("/", "/runs", "/run/first", "/static/app.js", "/file?path=no", "/nowhere"):
        headers = page.get(path).headers
        assert "script-src 'self'; style-src 'self'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_no_template_has_a_script_or_a_style_of_its_own(page, training):
    screens = ("/", "/runs", "/run/first", "/animate", "/queue", "/gallery", "/compare?run=first")
    for path in screens:
        text = page.text(path)
        assert " style=" not in text and "<style" not in text and " onclick=" not in text
        assert text.count("<script") == text.count("<script defer src=")


def test_a_page_of_another_site_changes_nothing(page, training):
    values = {"run": "first", "note": "theirs"}
    assert page.post("/api/note", values, Origin="http://elsewhere.example").status_code == 403
    assert page.post("/api/note", values, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert not (training / "notes.json").exists()


def test_a_link_from_elsewhere_leads_to_a_page_but_reads_no_file(page, training):
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert page.get("/runs", **visit, **{"Sec-Fetch-Dest": "document"}).status_code == 200
    embedded = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    assert page.get("/file?path=files/ann.png", **embedded).status_code == 403


def test_a_tunnel_may_have_another_port(page):
    assert page.get("/runs", Host="localhost:9000").status_code == 200


def test_with_a_token_nothing_is_shown_before_the_login(serve):
    page = serve(host="0.0.0.0", token=TOKEN)
    answer = page.get("/runs", Accept="text/html")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/login")
    assert page.get("/file?path=files/ann.png", Accept="image/png").status_code == 401
    assert page.post("/api/note", {}).status_code == 401


def test_the_token_opens_the_page_under_any_name_of_the_machine(serve):
    page = serve(host="0.0.0.0", token=TOKEN)
    headers = {"Host": "desk.example:8321", "Origin": "http://desk.example:8321"}
    answer = page.client.post("/login", data={"token": TOKEN}, headers=headers)
    assert answer.status_code == 303
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}_") and "HttpOnly" in cookie and "SameSite=Strict" in cookie
    assert TOKEN not in cookie
    assert page.get("/runs", Host="desk.example:8321").status_code == 200


def test_two_pages_of_a_host_do_not_log_each_other_out(serve, home):
    one = serve(host="0.0.0.0", token=TOKEN)
    options = ServerConfig(host="0.0.0.0", token=TOKEN)
    other = Page(create_app(make_desk(options, home / "other")).test_client(), one.desk)
    names = {
        page.post("/login", data={"token": TOKEN}).headers["Set-Cookie"].partition("=")[0]
        for page in (one, other)
    }
    assert len(names) == 2


def test_a_script_may_show_the_token_in_a_header(serve):
    page = serve(host="0.0.0.0", token=TOKEN)
    assert page.get("/runs", Authorization=f"Bearer {TOKEN}").status_code == 200
    assert page.get("/runs", Authorization="Bearer another", Accept="a/b").status_code == 401


def test_a_wrong_token_is_slow_and_opens_nothing(serve, monkeypatch):
    waited = []
    monkeypatch.setattr("aa.app.security.time.sleep", waited.append)
    page = serve(host="0.0.0.0", token=TOKEN)
    answer = page.post("/login", data={"token": "guess"})
    assert answer.status_code == 403 and "Set-Cookie" not in answer.headers
    assert waited == [0.5]


def test_a_token_may_be_in_the_environment(serve, monkeypatch):
    monkeypatch.setenv("OUR_TOKEN", TOKEN)
    page = serve(token="env:OUR_TOKEN")
    assert page.get("/runs", Authorization=f"Bearer {TOKEN}").status_code == 200


def test_an_empty_variable_is_no_token(serve, monkeypatch):
    monkeypatch.delenv("OUR_TOKEN", raising=False)
    with pytest.raises(ValueError, match=r"^app\.token=env:OUR_TOKEN: the variable must hold"):
        serve(token="env:OUR_TOKEN")


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.4", "::"])
def test_other_machines_are_let_in_with_a_token_only(serve, host):
    with pytest.raises(ValueError, match=r"lets other machines in: add app\.token="):
        serve(host=host)


def test_a_mistake_of_ours_is_not_told_to_the_browser(page, monkeypatch):
    def fail(*_):
        raise RuntimeError("the inside of the server")

    monkeypatch.setattr("aa.app.shelf.Shelf.find", fail)
    answer = page.get("/runs")
    assert answer.status_code == 500
    assert "inside" not in answer.text and "Traceback" not in answer.text
