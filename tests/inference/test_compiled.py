"""The engines of graphs: the eager engine's numbers, and Paddle where they cannot compile."""

import gc
import logging
import os
import signal

import numpy as np
import paddle
import pytest
from PIL import Image

from aa.config.model import ImageEncoderConfig, ModelConfig, VaeConfig
from aa.errors import UserError
from aa.inference import Pose2VideoPipeline
from aa.inference.compiled import graphs
from aa.inference.compiled.engines import make_engine
from aa.inference.compiled.graph_cache import GraphCache
from aa.inference.compiled.model import CompiledModel
from aa.machine import has_bfloat16
from aa.models.parts import denoise_from_deep, spec
from aa.models.tracing import trace_program
from tests.commands import ROOT
from tests.conftest import fill

EXAMPLE = ROOT / "examples" / "puppet"


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Graphs of the models here, each made by the first test that needs it."""
    return GraphCache(tmp_path_factory.mktemp("graphs"))


def on_gpu(precision):
    """ONNX Runtime on a GPU; without one the test is skipped."""
    try:
        engine = make_engine("onnxruntime", device="cuda", precision=precision)
        engine.hold(np.zeros(1, np.float32))
    except (UserError, RuntimeError) as error:
        pytest.skip(f"needs a GPU and onnxruntime-gpu: {error}")
    return engine


@pytest.fixture(
    params=["openvino", "onnxruntime", pytest.param("onnxruntime cuda", marks=pytest.mark.gpu)]
)
def engine(request):
    """Each library that runs graphs, and each device."""
    if request.param == "onnxruntime cuda":
        return on_gpu("float32")
    pytest.importorskip(request.param)
    return make_engine(request.param)


def assert_same_video(found, expected, engine):
    """Values 0 to 1; a GPU adds up in another order."""
    np.testing.assert_allclose(found, expected, atol=1e-4 if engine.whole else 1e-5)


def animate(model, *, frames=5, size=16, **options):
    rng = np.random.default_rng(0)
    picture, *poses = (
        Image.fromarray(rng.integers(0, 256, [size, size, 3], np.uint8)) for _ in range(frames + 1)
    )
    options = {"num_inference_steps": 2, "context_frames": 4, "context_overlap": 1, **options}
    return Pose2VideoPipeline(model)(picture, poses, width=size, height=size, **options).videos


@pytest.fixture
def compact_model():
    from aa.models.animate_anyone import AnimateAnyone

    config = ModelConfig(
        architecture="compact",
        prediction_type="sample",
        block_out_channels=[8, 16],
        layers_per_block=1,
        attention_heads=2,
        attention_levels=[0],
        cross_attention_dim=8,
        norm_num_groups=4,
        motion_heads=2,
        motion_max_frames=8,
        vae=VaeConfig(kind="space_to_depth", stride=4, latent_channels=48, scaling_factor=1.0),
        image_encoder=ImageEncoderConfig(
            kind="pooled", hidden_size=16, image_size=16, projection_dim=8
        ),
    )
    model = AnimateAnyone(config)
    fill(model)
    return model.eval()


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_an_engine_runs_compact_networks_too(compact_model, cache, engine, guidance_scale):
    compiled = CompiledModel(compact_model, cache, engine)
    found = animate(compiled, guidance_scale=guidance_scale)
    assert not compiled.failed
    assert_same_video(found, animate(compact_model, guidance_scale=guidance_scale), engine)


def test_weights_in_8_bits_make_nearly_the_same_video(compact_model, cache):
    exact = animate(compact_model)
    engine = make_engine("openvino", weights="int8")
    compiled = CompiledModel(compact_model, cache, engine)
    found = animate(compiled)
    assert not compiled.failed
    assert 40 < -10 * np.log10(np.square(found - exact).mean()) < 100  # dB
    plain = make_engine("openvino", weights="float")
    again = animate(CompiledModel(compact_model, cache, plain))
    np.testing.assert_array_equal(again, animate(CompiledModel(compact_model, cache)))


def test_an_engine_is_given_the_scale_of_guidance_that_a_model_has_learned(
    compact_model, cache, engine
):
    from aa.models.animate_anyone import AnimateAnyone

    model = AnimateAnyone(compact_model.config, guidance=True)
    fill(model)
    compiled = CompiledModel(model.eval(), cache, engine)
    weak, strong = (animate(compiled, guidance_scale=scale) for scale in (1.5, 3.5))
    assert not compiled.failed
    assert_same_video(strong, animate(model, guidance_scale=3.5), engine)
    assert np.abs(strong - weak).max() > 1e-3


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_an_engine_keeps_deep_features_as_the_eager_one_does(
    compact_model, cache, engine, guidance_scale
):
    options = {"guidance_scale": guidance_scale, "num_inference_steps": 4}
    deep = {"cache": "deep", "cache_every": 2}
    compiled = CompiledModel(compact_model, cache, engine)
    found = animate(compiled, **options, **deep)
    assert not compiled.failed
    np.testing.assert_allclose(found, animate(compact_model, **options, **deep), atol=1e-4)
    assert np.abs(found - animate(compact_model, **options)).max() > 1e-3


def test_deep_features_of_an_engine_serve_paddle_where_the_other_graph_fails(
    compact_model, cache, monkeypatch
):
    options = {"num_inference_steps": 4, "cache": "deep", "cache_every": 2}
    compiled, compile_part = CompiledModel(compact_model, cache), CompiledModel._compile

    def fail(self, part, specs):
        if part is denoise_from_deep:
            raise RuntimeError("no such kernel")
        return compile_part(self, part, specs)

    monkeypatch.setattr(CompiledModel, "_compile", fail)
    found = animate(compiled, **options)
    assert compiled.failed
    np.testing.assert_allclose(found, animate(compact_model, **options), atol=1e-4)


def test_an_engine_is_given_deep_features_and_the_learned_scale(compact_model, cache, engine):
    from aa.models.animate_anyone import AnimateAnyone

    model = AnimateAnyone(compact_model.config, guidance=True)
    fill(model)
    options = {"num_inference_steps": 4, "cache": "deep", "cache_every": 2, "guidance_scale": 2.0}
    compiled = CompiledModel(model.eval(), cache, engine)
    found = animate(compiled, **options)
    assert not compiled.failed
    np.testing.assert_allclose(found, animate(model, **options), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_an_engine_keeps_deep_features_of_the_published_kind_of_network(
    tiny_model, cache, engine, guidance_scale
):
    options = {"guidance_scale": guidance_scale, "num_inference_steps": 4}
    deep = {"cache": "deep", "cache_every": 2}
    compiled = CompiledModel(tiny_model(), cache, engine)
    found = animate(compiled, **options, **deep)
    assert not compiled.failed
    np.testing.assert_allclose(found, animate(tiny_model(), **options, **deep), atol=1e-4)


@pytest.mark.slow
@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
def test_an_engine_gives_the_eager_video(tiny_model, cache, engine, guidance_scale):
    compiled = CompiledModel(tiny_model(), cache, engine)
    found = animate(compiled, guidance_scale=guidance_scale)
    assert not compiled.failed
    assert_same_video(found, animate(tiny_model(), guidance_scale=guidance_scale), engine)


@pytest.mark.gpu
def test_the_example_in_float16_on_a_gpu_stays_near_float32(cache):
    engine = on_gpu("float16")
    pipeline = Pose2VideoPipeline.from_pretrained(EXAMPLE)
    expected = animate(pipeline.model, size=64, guidance_scale=1.0)
    found = animate(CompiledModel(pipeline.model, cache, engine), size=64, guidance_scale=1.0)
    assert -10 * np.log10(np.square(found - expected).mean()) > 50  # dB


@pytest.mark.slow
@pytest.mark.skipif(not has_bfloat16(), reason="this CPU computes float32 instead")
def test_bfloat16_stays_near_float32(tiny_model, cache):
    compiled = CompiledModel(tiny_model(), cache, make_engine("openvino", precision="bfloat16"))
    error = np.square(animate(compiled) - animate(tiny_model())).mean()
    assert not compiled.failed
    assert 0 < error < 1e-3  # 30 dB, on random weights


@pytest.mark.parametrize(("flags", "warned"), [("avx2 avx512f", True), ("amx_bf16", False)])
def test_bfloat16_on_a_cpu_without_it_is_one_warning(
    tiny_model, cache, monkeypatch, caplog, flags, warned
):
    monkeypatch.setattr("aa.machine._cpu_info", lambda: f"flags\t\t: fpu {flags}\n")
    for precision in ("float32", "bfloat16"):
        CompiledModel(tiny_model(), cache, make_engine("openvino", precision=precision))
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == warned
    assert all(line.startswith("inference.precision=bfloat16: this CPU has no") for line in lines)


def test_a_graph_serves_other_weights_of_the_same_model(compact_model, cache, monkeypatch):
    animate(CompiledModel(compact_model, cache))
    monkeypatch.setattr(graphs, "export_graph", None)  # whatever calls it fails
    fill(compact_model, seed=1)
    compiled = CompiledModel(compact_model, cache)
    found = animate(compiled)
    assert not compiled.failed
    np.testing.assert_allclose(found, animate(compact_model), atol=1e-5)


def fail(*_):
    raise RuntimeError("no such kernel\nand a long trace")


def fail_while_tracing(*_):
    def part(x):
        raise RuntimeError("no such kernel")

    trace_program(part, [spec(1)])


@pytest.mark.parametrize("fails", [fail, fail_while_tracing])
def test_where_the_export_fails_paddle_goes_on_after_one_warning(
    tiny_model, tmp_path, monkeypatch, caplog, fails
):
    monkeypatch.setattr(graphs, "export_graph", fails)
    compiled = CompiledModel(tiny_model(), GraphCache(tmp_path))
    with caplog.at_level(logging.WARNING):
        found = animate(compiled)
    assert [record.getMessage() for record in caplog.records] == [
        "encode_pose could not be compiled (RuntimeError: no such kernel); from here on Paddle "
        "computes, in float32: slower, the same result."
    ]
    np.testing.assert_array_equal(found, animate(tiny_model()))


def test_signals_are_handled_after_compiled_models_have_come_and_gone(compact_model, cache):
    one, two = (CompiledModel(compact_model, cache) for _ in range(2))
    for model in (one, two):
        animate(model, frames=1, num_inference_steps=1)
    handled = []
    before = signal.signal(signal.SIGUSR1, lambda *_: handled.append(True))
    try:
        for model in (one, two):  # the first to begin ends first
            model.__dict__.clear()
        gc.collect()
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert handled == [True]


def test_what_all_steps_share_is_held_without_a_copy_as_long_as_it_lives(compact_model, tmp_path):
    compiled = CompiledModel(compact_model, GraphCache(tmp_path))
    held = []
    hold = compiled.engine.hold
    compiled.engine.hold = lambda array: held.append(array) or hold(array)
    features = paddle.zeros([1, 8, 3, 2, 2])
    window = compiled.pose_window(features, paddle.to_tensor([2, 0]))
    assert window.shape == (1, 8, 2, 2, 2)
    assert held[0].ctypes.data == features.data_ptr()
    compiled.pose_window(features, paddle.to_tensor([1]))
    assert len(held) == 1
    compiled.pose_window(paddle.ones([1, 8, 3, 2, 2]), paddle.to_tensor([1]))
    assert len(held) == 2
    assert not compiled._holder._entries


@pytest.mark.parametrize("guidance_scale", [1.0, 3.5])
@pytest.mark.parametrize("kind", ["compact", "published"])
def test_an_engine_gives_the_eager_stream(
    compact_model, tiny_model, cache, engine, kind, guidance_scale
):
    model = compact_model if kind == "compact" else tiny_model()
    compiled = CompiledModel(model, cache, engine)
    options = {"mode": "stream", "stream_chunk": 1, "guidance_scale": guidance_scale}
    eager, found = (animate(m, **options) for m in (model, compiled))
    assert not compiled.failed
    np.testing.assert_allclose(found, eager, atol=1e-4)
