"""Writers leave a whole file or none, also where there is no room for it."""

import pytest

from aa.data.frame_writer import remove_partial
from aa.data.writers import open_writer
from aa.errors import StorageError
from tests.data.conftest import noisy_frames
from tests.full_disk import no_file_larger_than


@pytest.mark.parametrize("kind", ["mp4", "gif", "png"])
@pytest.mark.parametrize("size", [0, 3000])
def test_what_there_is_no_room_for_is_one_line_and_leaves_nothing(tmp_path, kind, size):
    path = tmp_path / f"a.{kind}"
    with (
        no_file_larger_than(size),
        pytest.raises(StorageError, match=r"/a(\.\w+)?: cannot be written \(File too large\)"),
        open_writer(path, format=kind, fps=8, height=64, width=64) as writer,
    ):
        writer.write(noisy_frames(20))
    assert list(tmp_path.iterdir()) == []


def test_a_stop_leaves_nothing(tmp_path):
    with (
        pytest.raises(KeyboardInterrupt),
        open_writer(tmp_path / "a.mp4", format="mp4", fps=8, height=64, width=64) as writer,
    ):
        writer.write(noisy_frames(2))
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_only_what_writers_leave_is_removed_with_it(tmp_path):
    for name in (".a.mp4.12.part", ".a.part", "a.12.part", ".hidden", "a.mp4"):
        (tmp_path / name).touch()
    (tmp_path / ".frames.12.part").mkdir()
    remove_partial(tmp_path)
    kept = sorted(path.name for path in tmp_path.iterdir())
    assert kept == [".a.part", ".hidden", "a.12.part", "a.mp4"]
