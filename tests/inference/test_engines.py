"""Engines of graphs: what is asked of their libraries, and what ONNX Runtime's own forms are."""

import numpy as np
import onnx
import paddle
import pytest

from aa.errors import UserError
from aa.inference.compiled import engines
from aa.inference.compiled.engines import check_engine, make_engine
from aa.inference.compiled.fused import fuse_attention
from aa.inference.compiled.translation import translate
from aa.models.attention import multi_head_attention
from aa.models.parts import spec
from aa.models.tracing import trace_program


@pytest.mark.parametrize(
    ("installed", "said"),
    [
        (None, r"needs ONNX Runtime: pip install 'aa\[onnx\]'; none is installed"),
        ("1.9.0", r"pip install 'aa\[onnx\]'; the installed 1.9.0 is older than 1.21"),
    ],
)
def test_a_library_that_is_missing_or_old_is_one_line(monkeypatch, installed, said):
    monkeypatch.setattr(engines, "_installed", lambda _: installed)
    with pytest.raises(UserError, match=said):
        make_engine("onnxruntime")


def test_a_package_without_cuda_is_one_line(monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UserError, match=r"needs ONNX Runtime with CUDA: .* 'aa\[onnx-gpu\]'"):
        check_engine("onnxruntime", "cuda")


def attention_graph():
    """The model of an attention of 6 tokens to 10 in 2 heads."""
    specs = [spec(3, 6, 8), spec(3, 10, 8), spec(3, 10, 8)]
    program = trace_program(lambda q, k, v: multi_head_attention(q, k, v, 2), specs)
    return translate(program, {})


def test_an_attention_becomes_one_operation():
    model = attention_graph()
    assert fuse_attention(model) == 1
    kinds = [node.op_type for node in model.graph.node]
    assert "MultiHeadAttention" in kinds and "Softmax" not in kinds


def test_other_softmaxes_stay():
    program = trace_program(lambda x: paddle.nn.functional.softmax(x), [spec(2, 3)])
    model = translate(program, {})
    assert fuse_attention(model) == 0
    assert [node.op_type for node in model.graph.node] == ["Softmax", "Identity"]


def test_the_one_operation_gives_the_same_numbers():
    pytest.importorskip("onnxruntime")
    rng = np.random.default_rng(0)
    query, key, value = (rng.standard_normal((3, n, 8)).astype("float32") for n in (6, 10, 10))
    network = make_engine("onnxruntime").load(attention_graph().SerializeToString(), {})
    expected = multi_head_attention(*map(paddle.to_tensor, (query, key, value)), 2)
    np.testing.assert_allclose(network([query, key, value])[0], expected.numpy(), atol=1e-6)


def test_a_gpu_that_is_not_found_ends_the_run_and_is_no_fallback(monkeypatch):
    onnxruntime = pytest.importorskip("onnxruntime")
    both = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: both)
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: None)
    engine = make_engine("onnxruntime", device="cuda")  # the package here falls back to the CPU
    with pytest.raises(UserError, match="ONNX Runtime finds no GPU here"):
        engine.load(attention_graph().SerializeToString(), {})


def test_a_gpu_without_memory_is_one_line():
    pytest.importorskip("onnxruntime")
    from aa.inference.compiled.onnxruntime_engine import _full_gpu_is_said

    said = "the GPU has not enough memory for this call"
    with pytest.raises(UserError, match=said), _full_gpu_is_said():
        raise RuntimeError("Failed to allocate memory for requested buffer of size 3000000")


def test_another_error_of_the_gpu_is_not_called_a_lack_of_memory():
    pytest.importorskip("onnxruntime")
    from aa.inference.compiled.onnxruntime_engine import _full_gpu_is_said

    with pytest.raises(RuntimeError, match="of another kind"), _full_gpu_is_said():
        raise RuntimeError("of another kind")


def test_float16_is_for_gpus():
    pytest.importorskip("onnxruntime")
    with pytest.raises(UserError, match="computes float32 on cpu, got float16"):
        make_engine("onnxruntime", precision="float16")


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_frames_are_taken_out_of_a_video_that_is_held(name):
    engine = make_engine(name)
    video = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3, 1, 1)
    some = engine.take_frames(engine.hold(video), np.array([2, 0]))
    np.testing.assert_array_equal(some.reshape(2, 2), [[2, 0], [5, 3]])


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_videos_that_are_held_are_laid_one_after_the_other(name):
    engine = make_engine(name)
    one, two = np.ones([1, 2, 1, 1, 1], np.float32), np.zeros([1, 2, 2, 1, 1], np.float32)
    joined = engine.join_frames([engine.hold(one), engine.hold(two)])
    np.testing.assert_array_equal(joined[0, 0].ravel(), [1, 0, 0])


def test_what_a_gpu_does_with_frames_is_what_numpy_does():
    ort = pytest.importorskip("onnxruntime")
    from aa.inference.compiled.onnxruntime_engine import frame_join, frame_selection

    video = np.arange(6.0, dtype=np.float32).reshape(1, 2, 3, 1, 1)
    join = {"a": video, "b": video[:, :, :1], "c": video}
    select = {"video": video, "frames": np.array([2, 0])}
    expected = [np.concatenate([*join.values()], axis=2), video[:, :, [2, 0]]]
    given = (frame_join, join), (frame_selection, select)
    for (model, inputs), result in zip(given, expected, strict=True):
        graph = model(onnx.TensorProto.FLOAT, [*inputs]).SerializeToString()
        session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
        np.testing.assert_array_equal(session.run(None, inputs)[0], result)


def test_one_buffer_for_each_shape_is_not_kept():
    pytest.importorskip("onnxruntime")
    from aa.inference.compiled.onnxruntime_engine import session_options

    options = session_options()
    assert not options.enable_mem_reuse and not options.enable_mem_pattern
