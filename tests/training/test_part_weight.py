"""A training that looks closer at face and hands."""

from tests.training.test_resume import records


def test_the_loss_of_a_batch_grows_by_the_errors_in_its_parts(trained):
    plain = trained("stage=1")
    closer = trained("stage=1", "stage.part_weight=10")
    first, weighted = (records(run)[0]["loss"] for run in (plain, closer))
    assert first < weighted < 11 * first
