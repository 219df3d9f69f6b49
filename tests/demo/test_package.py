"""What becomes an example, and what does not."""

import pytest

from aa.demo.package import package
from aa.errors import UserError


def test_weights_with_the_references_pose_become_no_example(trained, tmp_path):
    run = trained("stage=1", "stage.reference_pose=true")
    with pytest.raises(UserError, match=r"given the pose of the reference, which an example has n"):
        package(run, tmp_path / "example", figure=0)
    assert not (tmp_path / "example").exists()


def test_a_training_without_a_test_on_figures_becomes_no_example(trained, tmp_path):
    with pytest.raises(UserError, match="has no test on generated figures"):
        package(trained("stage=1"), tmp_path / "example", figure=0)
