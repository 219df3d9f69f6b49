"""A video made from Python is the one that the command line makes: both have the same defaults."""

import inspect
from dataclasses import asdict, fields

import pytest

from aa.config.inference import InferenceConfig
from aa.inference import Pose2VideoPipeline
from aa.inference.run import sampling_options
from aa.inference.windows import WindowSchedule, context_windows

DEFAULTS = asdict(InferenceConfig())
ALONE = {"latents", "progress"}  # a call's own: no key of the config


def defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def test_the_pipelines_defaults_are_the_configs():
    ours = defaults(Pose2VideoPipeline.frames)
    assert {k: v for k, v in ours.items() if k not in ALONE} == sampling_options(InferenceConfig())


@pytest.mark.parametrize("function", [WindowSchedule, context_windows])
def test_the_windows_defaults_are_the_configs(function):
    ours = {k: v for k, v in defaults(function).items() if k != "offset"}  # drawn in every step
    assert ours
    for name, value in ours.items():
        key = name if name in DEFAULTS else f"context_{name}"
        assert DEFAULTS[key] == value, name


def test_the_engine_and_its_cache_are_the_configs():
    ours = defaults(Pose2VideoPipeline.from_pretrained)
    assert {k: ours[k] for k in ("engine", "cache_dir")} == {
        k: DEFAULTS[k] for k in ("engine", "cache_dir")
    }


def test_the_default_yaml_says_what_the_schema_says(compose):
    given = ["weights=w", "reference=r.png", "pose=p.mp4"]
    config = compose("infer", given).inference
    differ = [f.name for f in fields(config) if getattr(config, f.name) != DEFAULTS[f.name]]
    assert not differ
