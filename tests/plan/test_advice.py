"""Which changes are tried for a training that does not fit, and in which order."""

from aa.plan.advice import changes
from aa.plan.needs import Setting

SETTING = Setting(batch=4, frames=24, height=512, width=256, recompute=False, devices=4)


def tried(**options):
    options = {"device": "gpu", "in_order": True, "size_step": 8, **options}
    return [overrides for _, overrides in changes(SETTING, **options)]


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
