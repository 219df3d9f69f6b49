"""Lines that only a GPU reaches, run on a CPU: the questions to the device are answered here."""

import contextlib
import os
from functools import partial
from types import SimpleNamespace

import numpy as np
import paddle
import pytest

from aa import machine
from aa.cli.hosts import Hosts
from aa.cli.launch import rank_environment
from aa.config.hardware import HardwareConfig
from aa.errors import UserError
from aa.inference.run import autocast
from aa.models import attention, layers
from aa.runs import snapshots
from aa.training.checkpoints import CheckpointCallback
from aa.training.records import _memory_gb
from aa.training.state import load_optimizer, save_state
from aa.training.steps import FiniteCallback, Step
from aa.training.trainer import AnimateAnyoneTrainer


def random(*shape, seed=0):
    array = np.random.default_rng(seed).standard_normal(shape).astype("float32")
    return paddle.to_tensor(array, stop_gradient=False)


@pytest.fixture
def gpu_build(monkeypatch):
    """Paddle as a GPU build, whose device is noted and not set."""
    devices = []
    monkeypatch.setattr(paddle, "is_compiled_with_cuda", lambda: True)
    monkeypatch.setattr(paddle, "set_device", devices.append)
    return devices


@pytest.mark.parametrize("module", [attention, layers])
def test_the_way_of_a_gpu_gives_the_same_numbers(monkeypatch, module):
    def run():
        x, context = random(2, 6, 8), random(2, 5, 8, seed=1)
        attended = attention.multi_head_attention(x, context, context, 2)
        normed = layers.GroupNorm(2, 6)(attended)
        (normed**3).sum().backward()
        return normed.numpy(), x.grad.numpy()

    before = run()
    monkeypatch.setattr(module, "on_gpu", lambda x: True)
    for found, expected in zip(run(), before, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_memory_of_a_gpu_is_its_peak(monkeypatch):
    monkeypatch.setattr(paddle.device.cuda, "max_memory_allocated", lambda: 3 * 2**30)
    assert _memory_gb("gpu:0") == 3


def test_the_smallest_card_of_a_machine_counts(monkeypatch, tmp_path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nprintf '40960\\n32768\\n'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert machine.card_memory() == 32
    tool.write_text("#!/bin/sh\nexit 9\n")
    assert machine.card_memory() is None


def test_a_gpu_is_refused_by_the_cpu_build():
    with pytest.raises(UserError, match="the installed paddlepaddle is the CPU build"):
        machine.prepare_paddle(HardwareConfig(device="gpu"))


def test_a_gpu_build_is_told_which_device_to_take(gpu_build):
    machine.prepare_paddle(HardwareConfig(device="gpu"))
    machine.prepare_paddle(HardwareConfig(device="cpu"))
    assert gpu_build == ["gpu", "cpu"]


def test_a_snapshot_names_the_cards(monkeypatch, tmp_path):
    (tmp_path / "0000:01").mkdir()
    (tmp_path / "0000:01" / "information").write_text("Model: \t Tesla V100\nIRQ: 7\n")
    monkeypatch.setattr(snapshots, "GPUS", tmp_path)
    assert snapshots._machine()["gpus"] == ["Tesla V100"]


def test_only_a_group_on_the_cpu_speaks_through_gloo():
    hosts = Hosts(store="127.0.0.1:1")
    environments = [
        rank_environment(HardwareConfig(device=device, devices=2), hosts, local=0)
        for device in ("cpu", "gpu")
    ]
    assert ["PADDLE_DISTRI_BACKEND" in e for e in environments] == [True, False]


@pytest.mark.parametrize(
    ("precision", "half"), [("float16", True), ("bfloat16", True), ("float32", False)]
)
def test_inference_multiplies_in_the_precision_of_the_card(monkeypatch, precision, half):
    asked = []

    def auto_cast(on, level, dtype):
        asked.append((on, dtype))
        return contextlib.nullcontext()

    monkeypatch.setattr(paddle.amp, "auto_cast", auto_cast)
    with autocast("gpu", precision):
        assert asked == ([(True, precision)] if half else [])


class Scaler:
    """As Paddle's GradScaler, whose numbers are known."""

    def __init__(self, scale):
        self._scale = paddle.to_tensor([scale])

    def state_dict(self):
        return {"scale": self._scale.numpy(), "incr_count": 5, "use_dynamic_loss_scaling": True}

    def load_state_dict(self, state):
        self.loaded = state


@pytest.fixture
def scaled(tmp_path):
    """Function (gradient) -> the `Step` after the check of a gradient under a loss scale of 4."""

    def check(gradient):
        parameter = paddle.create_parameter([2], "float32")
        (parameter * paddle.to_tensor(gradient)).sum().backward()
        step = Step()
        callback = FiniteCallback(
            step, [parameter], describe=str, file=tmp_path / "nonfinite.jsonl", skip=False
        )
        arguments = SimpleNamespace(sharding=[])
        callback.on_optimizer_begin(arguments, SimpleNamespace(global_step=0), None, Scaler(4.0))
        return step

    return check


def test_a_gradient_norm_is_without_the_loss_scale(scaled):
    assert scaled([12.0, 16.0]).grad_norm == pytest.approx(20 / 4)


def test_an_overflow_under_a_loss_scale_is_the_scalers_to_skip(scaled, tmp_path):
    assert scaled([np.inf, 1.0]).grad_norm == np.inf
    assert not (tmp_path / "nonfinite.jsonl").exists()


def test_the_loss_scale_goes_on_where_it_was(tmp_path):
    scheduler = paddle.optimizer.lr.NoamDecay(8, 10)
    written = dict(optimizer={}, lr_scheduler=scheduler, averaged=False)
    trainer_state = SimpleNamespace(save_to_json=lambda path: None)
    save_state(tmp_path / "state", {}, **written, trainer_state=trainer_state, scaler=Scaler(512.0))
    scaler = Scaler(1.0)
    optimizer = SimpleNamespace(set_state_dict=lambda state: None)
    load_optimizer(tmp_path / "state", {}, optimizer, scheduler, scaler)
    assert scaler.loaded["scale"].tolist() == [512.0]
    assert scaler.loaded["incr_count"] == 5


def test_slices_of_weights_are_gathered_before_they_are_saved():
    order = []
    layer = SimpleNamespace(get_all_parameters=lambda convert2cpu: order.append("gathered"))
    trainer = SimpleNamespace(model_wrapped=layer)
    callback = CheckpointCallback.__new__(CheckpointCallback)
    callback.gather = partial(AnimateAnyoneTrainer.gather, trainer)
    callback.record = object()
    callback.save = lambda step, training: order.append((step, training))
    stage3 = SimpleNamespace(sharding=["stage3"])
    callback.on_save(stage3, SimpleNamespace(global_step=7), None)
    assert order == ["gathered", (7, None)]
