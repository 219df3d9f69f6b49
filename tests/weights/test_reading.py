import tracemalloc

import numpy as np
import pytest
from safetensors.numpy import save_file

from aa.errors import UserError
from aa.weights.reading.states import read_state
from tests.weights.files import (
    cut_short,
    dictionary,
    plain,
    storage,
    tensor,
    write_paddle,
    write_torch,
    write_torch_zip,
)

STATE = {
    "a.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.bias": np.arange(2, dtype=np.float16),
}


def write_state(path):
    if path.suffix == ".safetensors":
        save_file(STATE, path)
        return path
    return (write_paddle if path.suffix == ".pdparams" else write_torch)(path, STATE)


def safetensors_file(path, header, data=b""):
    path.write_bytes(len(header).to_bytes(8, "little") + header + data)
    return path


@pytest.mark.parametrize("kind", [".pth", ".pt", ".ckpt", ".bin", ".safetensors"])
def test_every_kind_gives_names_and_numbers(tmp_path, kind):
    state = read_state(write_state(tmp_path / f"w{kind}"))
    assert {k: v.tolist() for k, v in state.items()} == {k: v.tolist() for k, v in STATE.items()}
    assert state["a.bias"].dtype == np.float16


@pytest.mark.parametrize("protocol", [2, 4])
def test_what_paddle_saves_is_read(tmp_path, protocol):
    import paddle

    layer = paddle.nn.Linear(3, 2)
    paddle.save(layer.state_dict(), str(tmp_path / "w.pdparams"), protocol=protocol)
    state = read_state(tmp_path / "w.pdparams")
    np.testing.assert_array_equal(state["weight"], layer.weight.numpy())


def test_paddle_bfloat16_becomes_float32(tmp_path):
    import paddle

    value = paddle.to_tensor([1.5, -2.0]).astype("bfloat16")
    paddle.save({"state_dict": {"w": value}}, str(tmp_path / "w.pdparams"))
    assert read_state(tmp_path / "w.pdparams")["w"].tolist() == [1.5, -2.0]


def test_torch_bfloat16_becomes_float32(tmp_path):
    content = dictionary({"w": tensor(storage("0", 2, "BFloat16Storage"), (2,))})
    path = write_torch_zip(tmp_path / "w.pth", content, {"0": b"\xc0\x3f\x00\xc0"})
    assert read_state(path)["w"].tolist() == [1.5, -2.0]


def test_safetensors_bfloat16_becomes_float32(tmp_path):
    header = b'{"w":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}'
    path = safetensors_file(tmp_path / "w.safetensors", header, b"\xc0\x3f\x00\xc0")
    assert read_state(path)["w"].tolist() == [1.5, -2.0]


def test_a_transposed_view_keeps_its_numbers(tmp_path):
    content = dictionary({"w": tensor(storage("0", 6), (3, 2), stride=(1, 3))})
    path = write_torch_zip(tmp_path / "w.pth", content, {"0": STATE["a.weight"].tobytes()})
    np.testing.assert_array_equal(read_state(path)["w"], STATE["a.weight"].T)


def test_a_state_dict_inside_is_found_and_the_prefix_of_parallel_training_dropped(tmp_path):
    inner = dictionary({"module.w": tensor(storage("0", 2), (2,))})
    content = dictionary({"epoch": plain(3), "state_dict": inner})
    path = write_torch_zip(tmp_path / "w.ckpt", content, {"0": bytes(8)})
    assert list(read_state(path)) == ["w"]


def test_a_torch_file_takes_no_memory_before_it_is_used(tmp_path):
    path = write_torch(tmp_path / "w.pth", {"w": np.zeros(2_000_000, np.float32)})
    tracemalloc.start()
    read_state(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_what_is_no_tensor_is_named(tmp_path):
    path = write_torch_zip(tmp_path / "w.pth", dictionary({"epoch": plain(3)}), {})
    with pytest.raises(UserError, match="epoch is no tensor"):
        read_state(path)


@pytest.mark.parametrize("kind", [".pth", ".pdparams", ".safetensors"])
def test_a_truncated_file_is_named(tmp_path, kind):
    path = cut_short(write_state(tmp_path / f"w{kind}"))
    with pytest.raises(UserError, match=rf"w{kind}: not readable .* may be truncated"):
        read_state(path)


@pytest.mark.parametrize("kind", [".pth", ".pdparams", ".safetensors"])
def test_an_empty_file_is_named(tmp_path, kind):
    path = tmp_path / f"w{kind}"
    path.touch()
    with pytest.raises(UserError, match=rf"w{kind}: not readable as weights"):
        read_state(path)


def test_a_header_longer_than_the_file_is_not_read(tmp_path):
    path = tmp_path / "w.safetensors"
    path.write_bytes((1 << 40).to_bytes(8, "little") + b"{}")
    with pytest.raises(UserError, match="header: header too large"):
        read_state(path)


@pytest.mark.parametrize("size", [3, -1])
def test_a_shape_must_fit_its_numbers(tmp_path, size):
    header = b'{"w":{"dtype":"F32","shape":[%d],"data_offsets":[0,8]}}' % size
    with pytest.raises(UserError, match="header: invalid"):
        read_state(safetensors_file(tmp_path / "w.safetensors", header, bytes(8)))


def test_numbers_must_lie_inside_the_file(tmp_path):
    header = b'{"w":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}'
    with pytest.raises(UserError, match="header: invalid"):
        read_state(safetensors_file(tmp_path / "w.safetensors", header, bytes(8)))


def test_a_pointer_of_git_lfs_is_explained(tmp_path):
    path = tmp_path / "w.pth"
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n")
    with pytest.raises(UserError, match="git lfs pull"):
        read_state(path)


def test_a_kind_that_holds_no_weights_is_named(tmp_path):
    (tmp_path / "w.onnx").touch()
    with pytest.raises(UserError, match=r"w\.onnx: unknown kind of weight file; known are \.pth"):
        read_state(tmp_path / "w.onnx")
