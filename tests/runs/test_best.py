"""Which checkpoint is the best, and where its link leads. The run is made by hand."""

import json
import os
import shutil

import pytest

from aa.config.evaluation import higher_is_better
from aa.runs.best import BestCheckpoint
from aa.runs.layout import list_checkpoints


@pytest.fixture
def run(tmp_path):
    """Function (values by step) -> the folder of a run that recorded and saved them."""

    def build(values, metric="loss"):
        records = [{"step": 1, "loss": 0.5}]
        records += [{"step": step, f"val/{metric}": value} for step, value in values.items()]
        (tmp_path / "metrics.jsonl").write_text("".join(json.dumps(r) + "\n" for r in records))
        for step in values:
            (tmp_path / "checkpoints" / f"step-{step:06d}").mkdir(parents=True, exist_ok=True)
        return tmp_path

    return build


def linked(folder, metric="loss"):
    """Where the link leads after it has been looked at."""
    BestCheckpoint(folder, metric, 1).link()
    link = folder / "checkpoints" / "best"
    return os.readlink(link) if link.is_symlink() else None


def test_less_is_better_but_for_psnr_and_ssim():
    names = ("loss", "psnr", "ssim", "temporal_error", "lpips", "fvd")
    assert [name for name in names if higher_is_better(name)] == ["psnr", "ssim"]


def test_the_link_leads_to_the_least_loss(run):
    assert linked(run({2: 0.3, 4: 0.2, 6: 0.25})) == "step-000004"


def test_the_link_leads_to_the_highest_psnr(run):
    assert linked(run({2: 20.0, 4: 22.0, 6: 21.0}, "psnr"), "psnr") == "step-000004"


def test_of_equals_the_first_is_the_best(run):
    assert linked(run({2: 0.3, 4: 0.3})) == "step-000002"


def test_a_loss_that_is_no_number_is_not_the_best(run):
    assert linked(run({2: None, 4: 0.3})) == "step-000004"


@pytest.mark.parametrize(("value", "new"), [(0.1, True), (0.2, False), (0.3, False)])
def test_a_step_is_a_new_best_where_it_is_better_than_all_that_is_saved(run, value, new):
    folder = run({2: 0.2, 4: value})
    (folder / "checkpoints" / "step-000004").rmdir()  # it is saved after that was asked
    assert BestCheckpoint(folder, "loss", 2).is_new(4) == new


def test_a_best_that_was_set_aside_gives_way_to_the_best_of_the_others(run):
    folder = run({2: 0.3, 4: 0.4, 6: 0.2})
    assert linked(folder) == "step-000006"
    shutil.move(folder / "checkpoints" / "step-000006", folder / "elsewhere")
    assert linked(folder) == "step-000002"
    assert (folder / "checkpoints" / "best").is_dir()


def test_a_link_that_leads_nowhere_goes(run):
    folder = run({2: 0.3})
    assert linked(folder) == "step-000002"
    shutil.rmtree(folder / "checkpoints" / "step-000002")
    assert linked(folder) is None


def test_a_link_that_was_half_made_is_made_again(run):
    folder = run({2: 0.3})
    (folder / "checkpoints" / ".best.partial").symlink_to("step-000001")
    assert linked(folder) == "step-000002"
    assert [p.name for p in list_checkpoints(folder)] == ["step-000002"]
    assert not (folder / "checkpoints" / ".best.partial").is_symlink()
