"""Which changes are tried for a training that does not fit, and in which order."""

from dataclasses import replace

from aa.plan.advice import changes, command_with
from aa.plan.needs import StepShape

SETTING = StepShape(batch=4, frames=24, height=512, width=256, recompute=False, devices=4)


def tried(setting=SETTING, **options):
    options = {"device": "gpu", "in_order": True, "size_step": 8, **options}
    return [overrides for _, overrides in changes(setting, **options)]


def test_recompute_comes_first_and_smaller_pictures_last():
    all_tried = tried()
    assert all_tried[0] == ["hardware.recompute=true"]
    assert all_tried[-1][-2:] == ["data.height=128", "data.width=64"]


def test_every_change_keeps_those_before_it():
    assert tried()[1] == ["hardware.recompute=true", "hardware/sharding=stage1"]


def test_a_smaller_batch_is_made_up_for_by_accumulation():
    wanted = ["stage.per_device_batch_size=1", "stage.gradient_accumulation_steps=8"]
    assert any(overrides[-2:] == wanted for overrides in tried(accumulation=2))


def test_single_frames_are_not_made_fewer():
    assert not any("num_frames" in o for overrides in tried(in_order=False) for o in overrides)


def test_a_cpu_is_offered_the_sharding_that_it_can_do():
    levels = [o for overrides in tried(device="cpu") for o in overrides if "sharding" in o]
    assert set(levels) == {"hardware/sharding=stage1"}


def test_one_card_is_offered_four_after_recompute_and_before_anything_that_trains_less():
    first, second, third, *_ = tried(replace(SETTING, devices=1))
    assert first == ["hardware.recompute=true"]
    assert second[:3] == [*first, "hardware.devices=4", "hardware/sharding=stage1"]
    assert third[:2] == [*first, "stage.per_device_batch_size=1"]


def test_four_gpus_take_as_many_samples_a_step_as_one_where_these_can_be_divided():
    alone = replace(SETTING, devices=1, recompute=True)
    assert tried(alone)[0][2:] == ["stage.per_device_batch_size=1"]
    assert tried(alone, accumulation=8)[0][2:] == ["stage.gradient_accumulation_steps=2"]
    assert tried(replace(alone, batch=3))[0][2:] == []


def test_what_does_not_fit_of_the_next_stage_is_changed_there():
    said = [override for overrides in tried(group="next_stage") for override in overrides]
    assert {o.split(".")[0] for o in said if "num_frames" in o} == {"next_stage"}


def test_the_command_to_type_has_each_key_once_and_quotes_nothing_that_needs_none():
    words = ["python", "runners/train.py", "stage='1'", "data.height=768", "data.width=768"]
    command = command_with(words, ["data.height=576", "data.width=576"])
    assert command == "python runners/train.py stage=1 data.height=576 data.width=576"


def test_a_value_that_a_chosen_group_would_lose_against_is_left_out():
    words = ["python", "train.py", "hardware.sharding.level=none"]
    assert (
        command_with(words, ["hardware/sharding=stage1"])
        == "python train.py hardware/sharding=stage1"
    )


def test_a_resumed_run_is_told_to_accept_what_changes():
    command = command_with(["python", "train.py", "resume=run"], ["hardware.recompute=true"])
    assert command.endswith("resume=run hardware.recompute=true resume_with_changes=true")
