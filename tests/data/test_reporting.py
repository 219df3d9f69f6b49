import numpy as np
import pytest

from aa.data.loader import ClipLoader
from aa.data.reporting import ReportingDataset, collate, collate_in_loader, raise_trouble
from aa.errors import ClipError, UserError


class Broken:
    """Three items; the second cannot be made."""

    def __init__(self, error):
        self.error, self.bad_clips = error, {}

    def __len__(self):
        return 3

    def __getitem__(self, k):
        if k == 1:
            raise self.error
        return {"x": np.zeros(2, np.float32)}


@pytest.mark.parametrize("error", [ClipError("a.mp4: no video."), UserError("no room.")])
def test_an_item_that_cannot_be_made_is_raised_where_it_is_used(error):
    items = ReportingDataset(Broken(error))
    raise_trouble(collate([items[0]]))
    with pytest.raises(type(error), match=str(error)):
        raise_trouble(collate([items[0], items[1]]))


@pytest.mark.parametrize("workers", [0, 1])
def test_the_loader_gives_every_batch_whatever_an_item_raised(workers):
    items = ReportingDataset(Broken(KeyError("x")))
    batches = list(ClipLoader(items, batch_size=1, collate_fn=collate, num_workers=workers))
    assert ["crash" in batch for batch in batches] == [False, True, False]
    assert [batch["number"].tolist() for batch in batches] == [[0], [1], [2]]


def test_items_that_do_not_go_together_are_reported_not_raised():
    items = [{"x": np.zeros(n), "number": np.array(n)} for n in (1, 2)]
    batch = collate_in_loader(items)
    assert "must have the same shape" in batch["crash"]
    assert batch["number"].tolist() == [1, 2]
