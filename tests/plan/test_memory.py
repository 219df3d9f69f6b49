"""Memory of whole training steps: counted against what Paddle's allocator says."""

from dataclasses import replace

import numpy as np
import paddle
import pytest
from paddle.base import core

from aa.models.animate_anyone import AnimateAnyone
from aa.models.running import directly, recomputed
from aa.models.shape_only import shape_only_model
from aa.plan.graph import LayerSpans, trace_prediction
from aa.plan.lowering import fuse_attention
from aa.plan.memory import StepMemory
from aa.plan.program import Graph, Operation, Tensor
from aa.training.trainable import set_trainable
from tests.conftest import tiny_model_config

CONFIG = replace(tiny_model_config(), block_out_channels=[32, 64], norm_num_groups=8)
TRAINABLE = {
    1: ["denoising_unet.*", "pose_guider.*", "reference_unet.*"],
    2: ["denoising_unet.*.motion_modules.*"],
}
SIZE, BATCH = 128, 2


def step(model, frames):
    """One training step on random latents."""
    rng, side = np.random.default_rng(0), SIZE // 8

    def normal(*shape):
        return paddle.to_tensor(rng.standard_normal((BATCH, *shape), np.float32))

    token = normal(1, CONFIG.cross_attention_dim)
    reference = normal(4, side, side)
    model.denoising_unet(
        normal(4, frames, side, side),
        paddle.full([BATCH * frames], 10, "int64"),
        model.conditions(token, reference),
        pose_features=model.pose_guider(normal(3, frames, SIZE, SIZE)),
    ).sum().backward()
    model.clear_gradients()


def measured_peak(stage, frames, recompute):
    """Bytes at the height of a step, without weights and their gradients."""
    run_layer = recomputed if recompute else directly
    model = AnimateAnyone(CONFIG, motion_modules=stage == 2, run_layer=run_layer)
    set_trainable(model, TRAINABLE[stage])
    model.train()
    step(model, frames)
    before = core.host_memory_stat_current_value("Allocated", 0)
    core.host_memory_stat_reset_peak_value("Allocated", 0)
    step(model, frames)
    return core.host_memory_stat_peak_value("Allocated", 0) - before


@pytest.mark.parametrize("recompute", [False, True])
@pytest.mark.parametrize(("stage", "frames"), [(1, 1), (2, 3)])
def test_the_height_of_a_step_is_what_the_allocator_gives(stage, frames, recompute):
    layers = LayerSpans()
    model = shape_only_model(CONFIG, motion_modules=stage == 2, run_layer=layers)
    set_trainable(model, TRAINABLE[stage])
    size = {"batch": BATCH, "frames": frames, "height": SIZE, "width": SIZE}
    graph = trace_prediction(model, layers=layers, **size)
    peak = StepMemory(fuse_attention(graph), recompute=recompute).peak
    assert peak == pytest.approx(measured_peak(stage, frames, recompute), rel=0.1)


def chain(*names, needs_grad=True):
    """x -> name -> name ... on tensors of 100 numbers, all of one layer."""
    tensors = [Tensor((100,), needs_grad=needs_grad) for _ in range(len(names) + 1)]
    return Graph(
        [
            Operation(name, [tensors[i]], [tensors[i + 1]], segment=0)
            for i, name in enumerate(names)
        ],
        [tensors[-1]],
    )


def test_what_no_gradient_needs_is_freed_at_its_last_use():
    # Two tensors at a time, and the last is the result.
    memory = StepMemory(chain("scale", "scale", "scale"), backward=False)
    assert (memory.peak, memory.kept) == (800, 400)


def test_what_a_gradient_needs_stays():
    # The second and the third swish keep their inputs; the first keeps what came from outside.
    assert StepMemory(chain("swish", "swish", "swish")).kept == 1200


def test_recompute_keeps_only_what_a_layer_begins_with():
    assert StepMemory(chain("swish", "swish", "swish"), recompute=True).kept == 400


def test_a_view_takes_no_memory():
    assert StepMemory(chain("scale", "reshape"), backward=False).peak == 400
