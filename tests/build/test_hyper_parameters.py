"""What VisualDL is told of a training."""

from aa.build.hyper_parameters import hyper_parameters, metric_tags

ALWAYS = ["stage/learning_rate", "data/height", "data/width", "seed"]
PUPPETS = ["model=puppet", "data=puppets", "inference=puppets"]


def test_what_the_command_line_set_comes_first_as_the_config_has_it(compose):
    overrides = ["seed=7", "stage.max_steps=1e3", "stage.skip_nonfinite=true"]
    config = compose("train", [*PUPPETS, "seed=7", "stage.max_steps=1000"])
    found = hyper_parameters(config, overrides)
    assert found["stage/max_steps"] == 1000
    assert found["stage/skip_nonfinite"] == "false"
    assert [*found][:3] == ["seed", "stage/max_steps", "stage/skip_nonfinite"]


def test_learning_rate_size_and_seed_are_always_there(compose):
    assert [*hyper_parameters(compose("train", PUPPETS), [])] == ALWAYS


def test_the_options_of_groups_are_there_by_name(compose):
    found = hyper_parameters(compose("train", PUPPETS), ["+experiment=smoke", "stage='2'", "~test"])
    chosen = {key: value for key, value in found.items() if key not in ALWAYS}
    assert chosen == {"experiment": "smoke", "stage": "2"}


def test_which_run_it_goes_on_with_sets_no_training_apart(compose):
    overrides = ["resume=outputs/run", "sweep.metric=val/loss", "hydra.job.num=3"]
    assert [*hyper_parameters(compose("train", PUPPETS), overrides)] == ALWAYS


def test_a_training_is_compared_by_what_it_validates(compose):
    assert metric_tags(compose("train", PUPPETS)) == ["train/loss"]
    options = ["validation.num_clips=4", "validation.metrics=[psnr,loss]", "inference.num_frames=4"]
    tags = metric_tags(compose("train", [*PUPPETS, *options]))
    assert tags == ["train/loss", "val/loss", "val/psnr"]
