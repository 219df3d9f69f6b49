"""What a stopped run may go on with: its settings, and the last checkpoint that is sound."""

import json
import shutil
from dataclasses import asdict
from pathlib import Path

import pytest

from aa.cli.resolvers import register_schemas
from aa.cli.resume_arguments import check_given_folder, resume_arguments
from aa.config.primary import TrainConfig
from aa.errors import UserError
from aa.runs.layout import list_checkpoints
from aa.runs.resume import decisive_changes, locate, repair
from aa.runs.sealing import partial_folder, seal

RUNNER = str(Path(__file__).parents[2] / "runners" / "train.py")


def checkpoint(run, step):
    target = run / "checkpoints" / f"step-{step:06d}"
    partial = partial_folder(target)
    partial.mkdir(parents=True)
    (partial / "weights.bin").write_bytes(b"abc")
    seal(partial, target, step=step)
    return target


@pytest.fixture
def run(tmp_path):
    """A run with checkpoints of the steps 1, 2 and 3."""
    for step in (1, 2, 3):
        checkpoint(tmp_path / "run", step)
    return tmp_path / "run"


def begin(folder, compose, *overrides):
    """Make a run folder as a command with these overrides leaves it after its snapshot."""
    (folder / ".hydra").mkdir(parents=True)
    lines = "".join(f"- {override}\n" for override in overrides)
    (folder / ".hydra" / "overrides.yaml").write_text(lines)
    hydra = "hydra: {overrides: {hydra: [], task: []}}\n"
    (folder / ".hydra" / "hydra.yaml").write_text(hydra)
    config = compose("train", list(overrides))
    config.name = "stage1"
    snapshot = {"config": asdict(config), "command": ["python", "runners/train.py"], "git": None}
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    return folder


@pytest.fixture
def begun(tmp_path, compose):
    """A run folder as `stage=1 seed=3` leaves it after its snapshot."""
    return begin(tmp_path / "begun", compose, "stage='1'", "seed=3")


@pytest.fixture
def on_two_hosts(tmp_path, compose):
    """A run folder that node 0 of two has left, whose optimizers are split."""
    hosts = ["hardware.nodes=2", "hardware.master=a:29400", "hardware.node_rank=0"]
    return begin(tmp_path / "two", compose, "stage='1'", "hardware/sharding=stage1", *hosts)


def resume(*arguments):
    register_schemas()
    return resume_arguments(list(arguments), TrainConfig, runner=RUNNER)


def where(run):
    return [f"resume='{run}'", f"hydra.run.dir='{run}'", "hydra.output_subdir=null"]


def steps(run):
    return [path.name for path in list_checkpoints(run)]


def test_a_sound_run_is_left_as_it_is(run):
    repair(run)
    assert steps(run) == ["step-000001", "step-000002", "step-000003"]


def test_a_damaged_checkpoint_is_named_and_set_aside(run, caplog):
    (run / "checkpoints" / "step-000003" / "weights.bin").write_bytes(b"ab")
    repair(run)
    assert steps(run) == ["step-000001", "step-000002"]
    assert "step-000003: weights.bin has 2 bytes, 3 were written" in caplog.text
    assert (run / "checkpoints" / "set_aside" / "step-000003").is_dir()


def test_without_a_sound_checkpoint_nothing_is_changed_and_all_are_named(run):
    for step in (1, 2, 3):
        (run / "checkpoints" / f"step-{step:06d}" / "weights.bin").unlink()
    with pytest.raises(UserError, match="none of its checkpoints is sound: step-000003: weights"):
        repair(run)
    assert steps(run) == ["step-000001", "step-000002", "step-000003"]


def test_a_finished_run_whose_result_is_damaged_is_not_finished(run):
    (run / "summary.json").write_text('{"steps": 3}')
    (run / "checkpoints" / "step-000003" / "weights.bin").unlink()
    repair(run)
    assert not (run / "summary.json").exists()


def test_of_a_checkpoint_the_later_ones_are_set_aside(run):
    repair(run / "checkpoints" / "step-000001")
    assert steps(run) == ["step-000001"]


def test_a_run_goes_on_from_its_best_checkpoint_by_the_link(run):
    (run / "checkpoints" / "best").symlink_to("step-000002")
    assert locate(run / "checkpoints" / "best") == (run, run, 2)
    repair(run / "checkpoints" / "best")
    assert steps(run) == ["step-000001", "step-000002"]


def test_half_done_folders_are_deleted(run):
    partial_folder(run / "checkpoints" / "step-000004").mkdir()
    (run / "checkpoints" / ".best.partial").symlink_to("step-000003")
    repair(run)
    assert not list(run.rglob(".*.partial"))
    assert steps(run) == ["step-000001", "step-000002", "step-000003"]


def test_the_first_stage_is_not_changed_under_the_second(tmp_path):
    first = checkpoint(tmp_path / "run" / "stage1", 1)
    (tmp_path / "run" / ".hydra").mkdir()
    (tmp_path / "run" / "stage2").mkdir()
    with pytest.raises(UserError, match="has begun from the end of this stage"):
        repair(first)


def test_a_checkpoint_of_a_stage_belongs_to_the_whole_run(tmp_path):
    (tmp_path / ".hydra").mkdir()
    path = tmp_path / "stage2" / "checkpoints" / "step-000007"
    assert locate(path) == (tmp_path, tmp_path / "stage2", 7)
    assert locate(tmp_path) == (tmp_path, None, None)


def test_a_learning_rate_decides_the_result_and_a_save_interval_does_not():
    old = {"stage": {"learning_rate": 1.0, "save_steps": 1}, "resume": None}
    new = {"stage": {"learning_rate": 2.0, "save_steps": 9}, "resume": "run"}
    assert decisive_changes(old, new) == [("stage.learning_rate", 1.0, 2.0)]


def test_resume_takes_the_overrides_of_the_run_then_those_given(begun):
    found = resume(f"resume={begun}", "stage.save_steps=5", "hydra.run.dir=x")
    own = ["stage='1'", "seed=3", "stage.save_steps=5"]
    assert found == [*own, *where(begun)]


def test_what_is_given_takes_the_place_of_what_was(begun):
    found = resume(f"resume={begun}", "seed=4", "resume_with_changes=true")
    assert "seed=3" not in found
    assert "seed=4" in found


def test_a_group_that_is_given_takes_the_place_of_a_value_kept_of_it(begun):
    snapshot = json.loads((begun / "snapshot.json").read_text())
    snapshot["config"]["hardware"]["sharding"]["level"] = "stage1"  # an earlier resume changed it
    (begun / "snapshot.json").write_text(json.dumps(snapshot))
    kept = "hardware.sharding.level='stage1'"
    assert kept in resume(f"resume={begun}")
    given = [f"resume={begun}", "hardware/sharding=none", "resume_with_changes=true"]
    assert kept not in resume(*given)


def test_each_host_goes_on_as_it_is_called_now_wherever_they_meet(on_two_hosts):
    asked = [f"resume={on_two_hosts}", "hardware.node_rank=1", "hardware.master=b:29500"]
    found = resume(*asked, "hardware.start_timeout=60")
    assert "hardware.node_rank=1" in found
    assert "hardware.master=b:29500" in found
    assert not [
        word for word in found if word in ("hardware.node_rank=0", "hardware.master=a:29400")
    ]


def test_from_two_hosts_to_one_everything_to_change_is_in_one_line(on_two_hosts):
    command = [f"resume={on_two_hosts}", "hardware.nodes=1"]
    with pytest.raises(UserError, match=r"hardware\.nodes 2 -> 1\.") as error:
        resume(*command)
    advice = "add resume_with_changes=true hardware/sharding=none."
    assert str(error.value).endswith(advice)
    assert resume(*command, *advice[len("add ") : -1].split())


def test_from_one_host_to_two_everything_to_change_is_in_one_line(begun):
    two = ["hardware.nodes=2", "hardware.master=a:29400", "hardware.node_rank=1"]
    with pytest.raises(
        UserError, match=r"hardware\.nodes 1 -> 2\. .*: add resume_with_changes=true\.$"
    ):
        resume(f"resume={begun}", *two)
    assert resume(f"resume={begun}", *two, "resume_with_changes=true")


def test_in_a_job_the_hosts_are_those_of_the_job_that_goes_on(tmp_path, compose, monkeypatch):
    job = {"SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "a,b", "SLURM_NNODES": "2"}
    for key, value in {**job, "SLURM_NODEID": "0", "SLURM_NTASKS": "2"}.items():
        monkeypatch.setenv(key, value)
    run = begin(tmp_path / "job", compose, "stage='1'", "hardware.nodes=slurm")
    monkeypatch.setenv("SLURM_JOB_ID", "8")
    monkeypatch.setenv("SLURM_NODEID", "1")
    assert resume(f"resume={run}")[:2] == ["stage='1'", "hardware.nodes=slurm"]
    monkeypatch.setenv("SLURM_NNODES", "1")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    monkeypatch.setenv("SLURM_NODEID", "0")
    with pytest.raises(UserError, match=r"hardware\.nodes 2 -> 1\."):
        resume(f"resume={run}")


def test_a_changed_setting_is_refused_by_name(begun):
    with pytest.raises(UserError, match=r"seed 3 -> 4\. .* add resume_with_changes=true"):
        resume(f"resume={begun}", "seed=4")


def test_auto_starts_where_nothing_has_begun(tmp_path):
    arguments = ["stage=1", f"hydra.run.dir={tmp_path / 'new'}"]
    assert resume("resume=auto", *arguments) == arguments


def test_auto_goes_on_where_a_run_has_begun(begun):
    found = resume("stage=1", "seed=3", f"hydra.run.dir={begun}", "resume=auto")
    assert found == ["stage='1'", "seed=3", *where(begun)]


def test_auto_of_another_command_is_refused(begun):
    with pytest.raises(UserError, match="seed 3 -> 42"):
        resume("stage=1", f"hydra.run.dir={begun}", "resume=auto")


def test_auto_needs_a_folder_of_its_own():
    with pytest.raises(UserError, match=r"add hydra\.run\.dir=<folder>"):
        resume("stage=1", "resume=auto")


def test_resume_of_no_run_folder_is_one_line(tmp_path):
    with pytest.raises(UserError, match=r"there is no .*overrides\.yaml"):
        resume(f"resume={tmp_path}")


def check(arguments, *, resumable):
    check_given_folder(arguments, TrainConfig, runner="runners/train.py", resumable=resumable)


def test_a_folder_that_holds_a_run_is_refused_before_anything_is_written(begun):
    with pytest.raises(UserError, match="holds a run already"):
        check([f"hydra.run.dir={begun}"], resumable=True)
    with pytest.raises(UserError, match=r"hydra\.run\.dir=<folder>\.$"):
        check([f"hydra.run.dir={begun}"], resumable=False)
    shutil.rmtree(begun)
    check([f"hydra.run.dir={begun}"], resumable=True)


def test_a_key_that_is_new_since_the_run_is_no_change():
    assert decisive_changes({"stage": {}}, {"stage": {"skip_nonfinite": False}}) == []


def test_what_hydra_wrote_for_the_run_may_not_be_cut(begun):
    (begun / ".hydra" / "hydra.yaml").write_text("")
    with pytest.raises(UserError, match="cannot be read"):
        resume(f"resume={begun}")


def test_what_only_other_settings_follow_decides_nothing_by_itself(compose):
    size = ["stage=2", "data.height=512", "data.width=256", "stage.num_frames=16"]
    old, new = (asdict(compose("train", [*size, f"hardware={card}"])) for card in ("v100", "a100"))
    keys = [key for key, *_ in decisive_changes(old, new)]
    assert keys == ["hardware.precision"]
