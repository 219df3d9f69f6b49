"""A stopped list of cases goes on by `resume=`, as a training does."""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pytest

from aa import cli
from aa.cli.resolvers import register_schemas
from aa.cli.resume_arguments import resume_arguments
from aa.config.primary import InferConfig
from aa.errors import UserError

RUNNER = str(Path(__file__).parents[2] / "runners" / "infer.py")
STARTED = ["weights=w", "+cases=cases.yaml", "cases_shard=1/3"]


@pytest.fixture
def begun(tmp_path, compose):
    """A run folder as an inference of a list leaves it after its snapshot."""
    (tmp_path / ".hydra").mkdir()
    (tmp_path / ".hydra" / "overrides.yaml").write_text(json.dumps(STARTED))
    hydra = "hydra: {overrides: {hydra: [], task: []}}\n"
    (tmp_path / ".hydra" / "hydra.yaml").write_text(hydra)
    config = asdict(compose("infer", STARTED))
    snapshot = {"config": config, "command": ["python", "runners/infer.py"], "git": None}
    (tmp_path / "snapshot.json").write_text(json.dumps(snapshot))
    return tmp_path


def resume(*arguments):
    register_schemas()
    return resume_arguments(list(arguments), InferConfig, runner=RUNNER)


def test_a_list_goes_on_in_its_folder_with_its_own_settings(begun):
    where = [f"resume='{begun}'", f"hydra.run.dir='{begun}'", "hydra.output_subdir=null"]
    assert resume(f"resume={begun}") == [*STARTED, *where]


def test_other_settings_are_refused_by_name(begun):
    with pytest.raises(UserError, match=r"inference\.seed 42 -> 7\. .* resume_with_changes=true"):
        resume(f"resume={begun}", "inference.seed=7")


def testhow_to_go_on_is_said_where_it_works(begun, tmp_path):
    def said(folder):
        return cli.how_to_go_on(SimpleNamespace(sweep=None, schema=InferConfig, folder=folder))

    assert said(begun).endswith(f" resume={begun}")
    assert said(tmp_path / "not_begun") == ""
