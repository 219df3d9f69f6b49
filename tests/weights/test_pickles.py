"""What a hostile pickle may try. Nothing of it runs, and the message names the file."""

import os
import pickle

import numpy as np
import pytest

from aa.errors import UserError
from aa.weights.reading.states import read_state
from tests.weights.files import (
    call,
    dictionary,
    name,
    overlapping_zip,
    paddle_array,
    plain,
    program,
    storage,
    tensor,
    write_torch_zip,
)


class Touch:
    """Pickles as a call that makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("kind", [".pth", ".pdparams"])
def test_a_pickle_that_runs_code_is_refused_and_nothing_runs(tmp_path, kind):
    path, made = tmp_path / f"w{kind}", tmp_path / "made"
    evil = pickle.dumps({"w": Touch(made)}, 2)
    if kind == ".pdparams":
        path.write_bytes(evil)
    else:
        write_torch_zip(path, evil[2:-1], {})
    with pytest.raises(UserError, match=rf"w{kind}: refused, it asks for (posix|nt)\.system"):
        read_state(path)
    assert not made.exists()


def test_a_torch_file_from_before_1_6_is_not_read_but_explained(tmp_path):
    path, made = tmp_path / "w.pth", tmp_path / "made"
    path.write_bytes(pickle.dumps({"w": Touch(made)}, 2))
    with pytest.raises(
        UserError, match=r"before 1\.6: read it with torch\.load.*weights_only=True"
    ):
        read_state(path)
    assert not made.exists()


def test_a_pickle_cannot_change_the_functions_it_calls(tmp_path):
    change = name("torch._utils", "_rebuild_tensor_v2") + plain((None, {"function": 1})) + b"b"
    path = write_torch_zip(tmp_path / "w.pth", change, {})
    with pytest.raises(UserError, match="it asks to change a function"):
        read_state(path)


def test_no_codec_is_looked_up_for_a_pickle(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(program(call(name("_codecs", "encode"), plain("x"), plain("rot13"))))
    with pytest.raises(UserError, match="refused, it asks for the encoding rot13"):
        read_state(path)


@pytest.mark.parametrize("size", [(7,), (2, 4), (-1,)])
def test_a_tensor_outside_its_storage_is_refused(tmp_path, size):
    content = dictionary({"w": tensor(storage("0", 6), size)})
    path = write_torch_zip(tmp_path / "w.pth", content, {"0": bytes(24)})
    with pytest.raises(UserError, match="reaches outside its storage"):
        read_state(path)


def test_a_tensor_cannot_be_the_storage_of_another(tmp_path):
    inner = tensor(storage("0", 1), (1,))
    path = write_torch_zip(
        tmp_path / "w.pth", dictionary({"w": tensor(inner, (9,))}), {"0": bytes(4)}
    )
    with pytest.raises(UserError, match="a tensor without a storage"):
        read_state(path)


@pytest.mark.parametrize(("sizes", "strides"), [(33, 33), (1, 33), (33, 1)])
def test_a_tensor_of_many_dimensions_is_refused_before_they_are_multiplied(
    tmp_path, sizes, strides
):
    made = tensor(storage("0", 6), (1,) * sizes, stride=(0,) * strides)
    path = write_torch_zip(tmp_path / "w.pth", dictionary({"w": made}), {"0": bytes(24)})
    with pytest.raises(UserError, match="a tensor of 33 dimensions, at most 32 are read"):
        read_state(path)


def test_an_array_of_many_dimensions_is_refused(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(program(dictionary({"w": paddle_array(plain("abcd"), (1,) * 33)})))
    with pytest.raises(UserError, match="a tensor of 33 dimensions, at most 32 are read"):
        read_state(path)


def test_a_text_that_is_recalled_is_not_encoded_again_and_again(tmp_path):
    texts = b"".join(call(name("_codecs", "encode"), b"h\x01", plain("latin1")) for _ in range(5))
    path = tmp_path / "w.pdparams"
    path.write_bytes(program(plain("x" * 1000) + b"q\x01](" + texts + b"e"))
    with pytest.raises(UserError, match="its texts are larger than the file"):
        read_state(path)


def test_bytes_that_are_recalled_make_no_array_after_array(tmp_path):
    data = call(name("_codecs", "encode"), plain("x" * 2000), plain("latin1"))
    arrays = b"".join(plain(f"w{i}") + paddle_array(b"h\x01", (1000,)) for i in range(9))
    path = tmp_path / "w.pdparams"
    path.write_bytes(program(data + b"q\x01}(" + arrays + b"u"))
    with pytest.raises(UserError, match="its arrays are larger than the file"):
        read_state(path)


def test_bfloat16_under_many_names_is_widened_once(tmp_path):
    array = np.array([0x3FC0, 0xC000], np.uint16)
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"a": array, "b": ("b", array), "c": array}, 2))
    state = read_state(path)
    assert state["a"].tolist() == [1.5, -2.0]
    assert state["a"] is state["b"] is state["c"]


def test_entries_that_overlap_are_refused(tmp_path):
    path = overlapping_zip(tmp_path / "w.pth", entries=20)
    with pytest.raises(UserError, match=r"its entries hold \d+ bytes, the file only \d+"):
        read_state(path)


def test_an_array_of_objects_is_refused(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"w": np.array([None])}, 4))
    with pytest.raises(UserError, match="an array of O8, which is no number"):
        read_state(path)


def test_a_numpy_scalar_is_refused(tmp_path):
    path = tmp_path / "w.pdparams"
    path.write_bytes(pickle.dumps({"w": np.float32(1)}, 4))
    with pytest.raises(UserError, match=r"refused, it asks for numpy\.core\.multiarray\.scalar"):
        read_state(path)


def test_small_values_that_are_shared_are_no_bomb(tmp_path):
    import paddle

    rates = (0.9, 0.999)
    groups = {"groups": [{"betas": rates}] * 50, "hidden": [("a", rates)] * 50}
    paddle.save({"state_dict": {"w": paddle.ones([2])}, **groups}, str(tmp_path / "w.pdparams"))
    assert list(read_state(tmp_path / "w.pdparams")) == ["w"]
