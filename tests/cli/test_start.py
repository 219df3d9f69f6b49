"""What is done before and after a runner's function."""

import pytest
from hydra.core.hydra_config import HydraConfig
from omegaconf import OmegaConf

from aa.cli import start as starting
from aa.config.evaluation import EvaluateConfig
from aa.errors import UserError


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Function (values of an evaluation's config) -> what was called, in order."""

    def start(**values):
        called = []
        (tmp_path / "videos").mkdir(exist_ok=True)
        folder = {"runtime": {"output_dir": str(tmp_path)}}
        monkeypatch.setattr(HydraConfig, "get", lambda: OmegaConf.create(folder))
        monkeypatch.setattr(starting, "print_tree", lambda config: None)
        monkeypatch.setattr(starting, "check_rerun", lambda *runs: called.append("rerun"))
        videos = str(tmp_path / "videos")
        config = OmegaConf.structured(EvaluateConfig(generated=videos, truth=videos, **values))
        starting.start(lambda *given: called.append(given), config, full_error=False)
        return called

    return start


def test_the_function_gets_the_checked_config_and_the_run_folder(run, tmp_path):
    ((config, folder),) = run()
    assert isinstance(config, EvaluateConfig)
    assert folder == tmp_path


def test_a_missing_input_is_reported_before_the_function_is_called(run, tmp_path):
    with pytest.raises(UserError, match=r"masks=nowhere: no such folder or video"):
        run(masks="nowhere")


def test_a_rerun_is_checked_when_the_run_has_ended(run):
    assert run(rerun="old", rerun_check=True)[1] == "rerun"
    assert len(run(rerun="old")) == 1


def test_in_a_group_only_the_process_that_started_it_compares(run, monkeypatch):
    monkeypatch.setenv("PADDLE_TRAINERS_NUM", "2")
    assert len(run(rerun="old", rerun_check=True)) == 1
