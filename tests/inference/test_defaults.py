"""A video made from Python is the one that the command line makes: both have the same defaults."""

import inspect
from dataclasses import asdict, fields

import pytest

from aa.config.inference import InferenceConfig
from aa.config.sampling import SamplingOptions
from aa.inference import Pose2VideoPipeline
from aa.inference.windows import WindowSchedule, context_windows

DEFAULTS = asdict(InferenceConfig())
# A call's own: no keys of the config.
ALONE = {"reference_pose", "latents", "progress", "watch", "options"}


def defaults(function):
    parameters = inspect.signature(function).parameters.values()
    return {p.name: p.default for p in parameters if p.default is not p.empty}


def test_the_sampling_options_defaults_are_the_configs():
    assert asdict(SamplingOptions()).items() <= DEFAULTS.items()


def test_no_other_signature_states_a_default_of_sampling():
    assert defaults(Pose2VideoPipeline.frames).keys() == ALONE
    assert not defaults(WindowSchedule)
    assert defaults(context_windows) == {"offset": 0.0}  # drawn in every step


def test_a_misspelt_option_of_a_call_is_refused(tiny_model):
    pipeline = Pose2VideoPipeline(tiny_model())
    with pytest.raises(TypeError, match="num_steps"):
        next(pipeline.frames(None, [], width=16, height=16, num_steps=2))


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
