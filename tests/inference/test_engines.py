"""Engines of graphs: what is asked of their libraries, and what ONNX Runtime's own forms are."""

import numpy as np
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
    engine = make_engine("onnxruntime", device="cuda")
    monkeypatch.setattr(engine, "_providers", lambda: ["CPUExecutionProvider"])  # as it falls back
    with pytest.raises(UserError, match="ONNX Runtime finds no GPU here"):
        engine.load(attention_graph().SerializeToString(), {})
