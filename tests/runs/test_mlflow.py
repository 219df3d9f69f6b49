"""Trainings as runs of MLflow, kept in a file of SQLite."""

import logging
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

from aa.runs import trackers
from aa.runs.records import Recorder
from aa.runs.trackers import TrackedRun, make_trackers

mlflow = pytest.importorskip("mlflow")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A working directory, and no server of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def client(here):
    return mlflow.MlflowClient(f"sqlite:///{here}/outputs/.mlflow/mlflow.db")


def record(folder, losses, *, step=0, state="done", **config):
    """Record a training that goes on from a step."""
    trackers.ENDS_WITHIN = 120.0  # in another process too
    folder.mkdir(exist_ok=True)
    run = TrackedRun(folder, "walk", {"stage.learning_rate": 1e-4, **config}, {}, [])
    recorder = Recorder(folder, step=step, run=run, trackers=make_trackers(["mlflow"], folder))
    recorder.begin()
    for number, loss in enumerate(losses, step + 1):
        recorder.record(number, loss=loss)
    recorder.image("sample", np.zeros((8, 8, 3), np.uint8), step + len(losses))
    recorder.wrote("checkpoint", folder / "checkpoints/step-000002", 2)
    recorder.close(state)


def runs(client):
    experiment = client.get_experiment_by_name("aa")
    return client.search_runs([experiment.experiment_id])


def points(client, run):
    history = client.get_metric_history(run.info.run_id, "train/loss")
    return sorted((point.step, point.value) for point in history)


def test_a_training_is_a_run_with_its_config_its_numbers_and_its_pictures(here, client):
    record(here / "run", [0.5, 0.25], list=["a", None])
    (run,) = runs(client)
    assert (run.info.run_name, run.info.status) == ("walk", "FINISHED")
    assert run.data.params == {"stage.learning_rate": "0.0001", "list": "[a,null]"}
    assert points(client, run) == [(1, 0.5), (2, 0.25)]
    assert run.data.tags["aa.folder"] == str(here / "run")
    assert run.data.tags["aa.checkpoint"].endswith("step-000002")
    (picture,) = client.list_artifacts(run.info.run_id, "sample")
    assert picture.path == "sample/step-000002.png"


def test_a_run_that_goes_on_is_the_same_run_and_has_every_number_once(here, client):
    record(here / "run", [0.5, 0.25, 0.125], state="interrupted")
    assert runs(client)[0].info.status == "KILLED"
    record(here / "run", [0.125, 0.0625], step=2)
    (run,) = runs(client)
    assert run.info.status == "FINISHED"
    assert points(client, run) == [(1, 0.5), (2, 0.25), (3, 0.125), (4, 0.0625)]


def test_a_number_that_is_another_after_a_stop_is_there_too(here, client):
    record(here / "run", [0.5, 0.25])
    record(here / "run", [0.75], step=1)
    (run,) = runs(client)
    assert points(client, run) == [(1, 0.5), (2, 0.25), (2, 0.75)]
    assert run.data.metrics["train/loss"] == 0.75


def test_a_run_that_was_deleted_there_begins_anew(here, client):
    record(here / "run", [0.5])
    client.delete_run(runs(client)[0].info.run_id)
    record(here / "run", [0.5])
    assert len(runs(client)) == 1


def test_a_config_of_many_keys_and_long_values_is_taken(here, client):
    record(here / "run", [0.5], **{f"key{n}": "x" * 10_000 for n in range(250)})
    assert len(runs(client)[0].data.params) == 251


def test_the_environment_says_where(here, monkeypatch):
    uri = f"sqlite:///{here}/elsewhere.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "walks")
    record(here / "run", [0.5])
    assert mlflow.MlflowClient(uri).get_experiment_by_name("walks") is not None
    assert not (here / "outputs").exists()


def test_a_server_that_is_not_there_is_one_line(here, monkeypatch, caplog):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with caplog.at_level(logging.WARNING):
        record(here / "run", [0.5])
    assert caplog.text.count("trackers: mlflow records nothing from here on") == 1


def test_runs_that_begin_at_once_make_one_store(here, client):
    folders = [here / f"run-{number}" for number in range(3)]
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        list(pool.map(record, folders, [[0.5]] * 3))
    tags = sorted(run.data.tags["aa.folder"] for run in runs(client))
    assert tags == [str(folder) for folder in folders]
    assert all(run.info.status == "FINISHED" for run in runs(client))
