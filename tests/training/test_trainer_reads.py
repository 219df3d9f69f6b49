"""What a trainer reads of a checkpoint: nothing that could run."""

import os
import pickle

from aa.training.trainer import AnimateAnyoneTrainer


class Evil:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


def test_a_state_of_random_numbers_that_somebody_has_added_is_not_unpickled(tmp_path):
    for name in ("rng_state.pth", "rng_state_2.pth"):
        (tmp_path / name).write_bytes(pickle.dumps({"python": Evil(tmp_path / "ran")}))
    AnimateAnyoneTrainer._load_rng_state(object(), str(tmp_path))
    assert not (tmp_path / "ran").exists()
