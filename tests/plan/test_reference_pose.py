"""The reference's own pose in a plan."""

from aa.build.plan import build_plans
from tests.conftest import TINY_MODEL


def test_a_plan_counts_the_projection_and_the_pose_that_it_is_of(compose, puppets):
    def needs(*more):
        config = compose("train", [*TINY_MODEL, *puppets, "hardware=cpu", "stage=1", *more])
        (plan,) = build_plans(config)
        return plan.needs.parts

    plain, posed = needs(), needs("stage.reference_pose=true")
    assert posed["weights"] - plain["weights"] == 4 * (8 * 8 + 8)  # bytes of 8 channels
    assert posed["kept for the backward pass"] > plain["kept for the backward pass"]
