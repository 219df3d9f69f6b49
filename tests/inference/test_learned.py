"""What no training has taught is named before the first frame."""

import pytest

from aa.config.stream import StreamWindow
from aa.files import write_json
from aa.inference.learned import learned_guidance, warn_of_guidance, warn_of_stream
from tests.commands import ROOT

EXAMPLE = ROOT / "examples" / "puppet"


@pytest.fixture
def run(tmp_path):
    """Function (name, stages) -> a run folder whose snapshot says so."""

    def build(name, stage, next_stage=None):
        folder = tmp_path / name
        folder.mkdir()
        write_json(folder / "snapshot.json", {"config": {"stage": stage, "next_stage": next_stage}})
        return folder

    return build


def stage(ratio, start=None, motion=False):
    return {"uncond_ratio": ratio, "init_from": start and str(start), "motion_modules": motion}


def test_the_weights_of_the_example_never_learned_it_and_say_what_to_give(caplog):
    assert learned_guidance(EXAMPLE) is False
    warn_of_guidance(EXAMPLE, 1.0)
    assert not caplog.records
    warn_of_guidance(EXAMPLE, 3.5)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{EXAMPLE}: trained with uncond_ratio=0")
    assert "inference.guidance_scale=1 (or inference=puppets" in line


def test_a_run_is_asked_by_its_folder_and_by_its_checkpoints(run):
    folder = run("run", stage(0.0))
    assert learned_guidance(folder) is False
    assert learned_guidance(folder / "checkpoints" / "step-000001") is False


def test_one_stage_that_learned_it_is_enough(run):
    assert learned_guidance(run("both", stage(0.1), stage(0.0, motion=True)))
    first = run("first", stage(0.1))
    assert learned_guidance(run("second", stage(0.0, start=first, motion=True)))
    never = run("never", stage(0.0))
    assert learned_guidance(run("after", stage(0.0, start=never, motion=True))) is False


def test_what_no_record_says_is_not_known(run, tmp_path):
    assert learned_guidance(tmp_path) is None
    assert learned_guidance(run("motion", stage(0.0, start=tmp_path, motion=True))) is None


def test_a_scale_that_was_not_learned_in_one_pass_is_named(run, caplog):
    base = run("base", stage(0.1))
    folder = run("guided", stage(0.0, start=base, motion=True) | {"guidance_scales": [1.0, 3.0]})
    warn_of_guidance(folder, 2.0)
    assert not caplog.records
    warn_of_guidance(folder, 5.0)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line == (
        f"{folder}: learned guidance of 1 to 3 in one pass; inference.guidance_scale=5 is none of "
        "these."
    )


def test_a_stream_that_was_not_learned_is_named(run, caplog):
    window = StreamWindow(steps=4, chunk=4)
    warn_of_stream(run("windows", stage(0.1)), window)
    folder = run("stream", stage(0.1) | {"stream_steps": 2, "stream_chunk": 8})
    warn_of_stream(folder, window)
    none, other = [record.getMessage() for record in caplog.records]
    assert "no record says that these weights have learned streams" in none
    assert other == (
        f"{folder}: learned streams of 2 steps in chunks of 8 frames, not of 4 and 4: give "
        "inference.num_inference_steps=2 inference.stream_chunk=8."
    )
    warn_of_stream(folder, StreamWindow(steps=2, chunk=8))
    assert len(caplog.records) == 2


def test_a_snapshot_that_is_damaged_or_leads_to_itself_is_no_error(run, tmp_path):
    assert learned_guidance(run("odd", stage("much"))) is None
    assert learned_guidance(run("circle", stage(0.0, start=tmp_path / "circle"))) is False
    (tmp_path / "circle" / "snapshot.json").write_text("{")
    assert learned_guidance(tmp_path / "circle") is None


def test_of_two_stages_the_last_says_which_scales_were_learned(run, caplog):
    last = stage(0.0, motion=True) | {"guidance_scales": [1.0, 2.0]}
    folder = run("guided", stage(0.1), last)
    warn_of_guidance(folder, 3.5)
    (line,) = [record.getMessage() for record in caplog.records]
    assert "learned guidance of 1 to 2 in one pass" in line


def test_few_steps_that_were_learned_without_guidance_are_not_guided_in_silence(run, caplog):
    base = run("base", stage(0.1))
    folder = run("few", stage(0.0, start=base, motion=True) | {"objective": "few_steps"})
    warn_of_guidance(folder, 1.0)
    assert not caplog.records
    warn_of_guidance(folder, 3.5)
    (line,) = [record.getMessage() for record in caplog.records]
    assert line.startswith(f"{folder}: learned its few steps without guidance")


def test_few_steps_with_a_scale_in_them_are_given_that_scale(run, caplog):
    base = run("base", stage(0.1))
    distilled = {"objective": "few_steps", "guidance_scales": [2.0, 2.0]}
    folder = run("few", stage(0.0, start=base, motion=True) | distilled)
    warn_of_guidance(folder, 2.0)
    assert not caplog.records
