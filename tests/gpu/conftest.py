"""Tests for a machine with a GPU and Paddle's build for it: `-m gpu`, one by one (WORKERS=0)."""

from pathlib import Path

import paddle
import pytest

from aa.models.running import directly
from aa.training.trainable import set_trainable


def count_cards():
    return paddle.device.cuda.device_count() if paddle.is_compiled_with_cuda() else 0


def pytest_collection_modifyitems(items):
    cards = count_cards()
    for item in items:
        if Path(__file__).parent not in item.path.parents:
            continue
        item.add_marker(pytest.mark.gpu)
        wanted = 2 if "several" in item.keywords else 1
        if cards < wanted:
            item.add_marker(pytest.mark.skip(reason=f"needs {wanted} GPU(s) and the GPU build"))


@pytest.fixture
def on_card():
    """What a test makes lies on the card; afterwards the CPU is in use again."""
    paddle.set_device("gpu")
    yield
    paddle.set_device("cpu")


@pytest.fixture
def gradients(tiny_model, tiny_batch):
    """Function (device, precision, run_layer) -> loss and {name: gradient} of one training step."""

    def step(device, precision="float32", *, run_layer=directly):
        paddle.set_device(device)
        model = tiny_model(motion_modules=True, run_layer=run_layer)
        set_trainable(model, ["denoising_unet.*", "reference_unet.*", "pose_guider.*"])
        model.train()
        half = precision != "float32"
        with paddle.amp.auto_cast(half, level="O1", dtype=precision if half else "float16"):
            loss = model(**tiny_batch(3))
        loss.backward()
        found = {n: p.grad.numpy() for n, p in model.named_parameters() if p.grad is not None}
        paddle.set_device("cpu")
        return float(loss), found

    return step
