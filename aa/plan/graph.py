"""The operations of a training step at any size, from the model itself; nothing is computed.

Paddle traces the real networks with shapes alone: SD1.5's two UNets take seconds and no memory.
"""

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import paddle
from tqdm import tqdm

from aa.models.parts import spec
from aa.models.tracing import trace_program
from aa.plan.program import Graph, read_program

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone


def trace_prediction(
    model: "AnimateAnyone",
    *,
    layers: "LayerSpans",
    batch: int,
    frames: int,
    height: int,
    width: int,
) -> Graph:
    """Trace `AnimateAnyone.predict` in training, with the image encoder if it learns.

    No sample drops its reference; one that does adds about a hundredth.

    Args:
        model: its parameters may have shapes only; `stop_gradient` says which train.
        layers: the `run_layer` of the model's networks.
        batch, frames: samples of a step, and frames of each.
        height, width: of the images, pixels.
    """
    assert model.denoising_unet.run_layer is layers
    stride = model.config.vae.stride
    latents = (model.config.vae.latent_channels, height // stride, width // stride)
    learns = image_learns(model)
    image = _image(model, batch) if learns else (batch, 1, model.config.cross_attention_dim)

    def predict(
        noisy: paddle.Tensor,
        timesteps: paddle.Tensor,
        image: paddle.Tensor,
        pose_pixels: paddle.Tensor,
        reference_latents: paddle.Tensor,
        *reference_pose: paddle.Tensor,
    ) -> paddle.Tensor:
        image_embeds = model.encode_image(image) if learns else image
        pose_features = model.pose_guider(pose_pixels)
        conditions = model.conditions(image_embeds, reference_latents, *reference_pose)
        return model.denoising_unet(noisy, timesteps, conditions, pose_features=pose_features)

    model.train()
    return trace(
        predict,
        [
            spec(batch, latents[0], frames, *latents[1:]),
            spec(batch * frames, dtype="int64"),
            spec(*image),
            spec(batch, 3, frames, height, width),
            spec(batch, *latents),
            *([spec(batch, 3, height, width)] if model.has_reference_pose else []),
        ],
        layers=layers,
        num_layers=model.reference_unet.num_layers + model.denoising_unet.num_layers,
    )


def trace_encoding(model: "AnimateAnyone", *, pictures: int, height: int, width: int) -> Graph:
    """Trace the encoding of so many images at once by the VAE, which never trains."""
    return trace(
        lambda pixels: model.vae.encode(pixels).latent_dist.mean,
        [spec(pictures, 3, height, width)],
    )


def trace_image(model: "AnimateAnyone", *, batch: int) -> Graph:
    """Trace the image encoder, once for every sample."""
    return trace(lambda pixels: model.encode_image(pixels), [spec(*_image(model, batch))])


def image_learns(model: "AnimateAnyone") -> bool:
    """Return whether the image encoder trains, which the published one does not."""
    return any(not p.stop_gradient for p in model.image_encoder.parameters())


def _image(model: "AnimateAnyone", batch: int) -> tuple[int, ...]:
    size = model.config.image_encoder.image_size
    return (batch, 3, size, size)


def trace(
    function: Callable[..., Any],
    specs: Sequence[paddle.static.InputSpec],
    *,
    layers: "LayerSpans | None" = None,
    num_layers: int = 0,
) -> Graph:
    """Trace a function of tensors.

    Args:
        function: takes as many tensors as there are specs.
        specs: of these tensors.
        layers: runs the layers of its networks, and says which operations are one layer's.
        num_layers: how many it will run, for the progress bar.
    """
    layers = layers or LayerSpans()
    # Paddle is kept quiet while it traces, the bar is not: it has a separate way to the screen.
    with (
        os.fdopen(os.dup(2), "w") as screen,
        tqdm(
            total=num_layers, desc="counting", unit="layer", file=screen, delay=1, leave=False
        ) as bar,
    ):
        layers.start(bar.update)
        program = trace_program(function, specs)
    return read_program(program, layers.spans)


class LayerSpans:
    """Runs the layers of networks while they are traced, and notes which operations are whose.

    Attributes:
        spans: (first, behind the last) operation of each layer, parameters not counted.
    """

    def __init__(self) -> None:
        self.spans: list[tuple[int, int]] = []
        self._ran: Callable[[], Any] = lambda: None

    def start(self, ran: Callable[[], Any]) -> None:
        """Begin a trace, of which `ran` is called after every layer."""
        self.spans, self._ran = [], ran

    def __call__(self, layer: Callable[..., Any], *arguments: Any) -> Any:
        """Run a layer."""
        start = _num_operations()
        results = layer(*arguments)
        self.spans.append((start, _num_operations()))
        self._ran()
        return results


def _num_operations() -> int:
    block = paddle.static.default_main_program().global_block()
    return sum(op.name() != "builtin.parameter" for op in block.ops)
