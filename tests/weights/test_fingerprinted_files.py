"""A fingerprint of weights is one of all the files that loading them reads."""

import pytest

from aa.weights.folders import open_folder, weights_files


@pytest.mark.parametrize("release", ["torch_release", "paddle_release", "own_folder"])
def test_every_file_of_a_layout_is_fingerprinted(release, request):
    folder = open_folder(request.getfixturevalue(release))
    home = folder.path.parents[1] if release == "paddle_release" else folder.path
    wanted = {file for file in home.rglob("*") if file.is_file()}
    assert set(weights_files(folder)) == wanted
