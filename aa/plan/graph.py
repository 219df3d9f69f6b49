"""The operations of a training step at any size, from the model itself; nothing is computed.

Paddle traces the real networks with shapes alone: SD1.5's two UNets take seconds and no memory.
"""

import os

import paddle
from tqdm import tqdm

from aa.models.parts import spec
from aa.models.tracing import trace_program
from aa.plan.program import read_program


def trace_prediction(model, *, batch, frames, height, width):
    """The `Graph` of `AnimateAnyone.predict` in training, with the image encoder if it learns.

    No sample drops its reference; one that does adds about a hundredth.

    Args:
        model: its parameters may have shapes only; `stop_gradient` says which train.
        batch, frames: samples of a step, and frames of each.
        height, width: of the pictures, pixels.
    """
    stride = model.config.vae.stride
    latents = (model.config.vae.latent_channels, height // stride, width // stride)
    learns = image_learns(model)
    image = _image(model, batch) if learns else (batch, 1, model.config.cross_attention_dim)

    def predict(noisy, timesteps, image, pose_pixels, reference_latents):
        image_embeds = model.encode_image(image) if learns else image
        pose_features = model.pose_guider(pose_pixels)
        conditions = model.conditions(image_embeds, reference_latents)
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
        ],
        networks=[model.reference_unet, model.denoising_unet],
    )


def trace_encoding(model, *, pictures, height, width):
    """The `Graph` of encoding so many pictures at once by the VAE, which never trains."""
    return trace(
        lambda pixels: model.vae.encode(pixels).latent_dist.mean,
        [spec(pictures, 3, height, width)],
    )


def trace_image(model, *, batch):
    """The `Graph` of the image encoder, once for every sample."""
    return trace(lambda pixels: model.encode_image(pixels), [spec(*_image(model, batch))])


def image_learns(model):
    """Whether the image encoder trains, which the published one does not."""
    return any(not p.stop_gradient for p in model.image_encoder.parameters())


def _image(model, batch):
    size = model.config.image_encoder.image_size
    return (batch, 3, size, size)


def trace(function, specs, *, networks=()):
    """The `Graph` of a function of tensors; `networks` say which operations are one layer's.

    Args:
        function: takes as many tensors as there are specs.
        specs: Paddle's InputSpecs.
        networks: the `UNet`s that it runs.
    """
    layers = sum(network.num_layers for network in networks)
    ways = [network.through for network in networks]
    # Paddle is kept quiet while it traces, the bar is not: it has a way of its own to the screen.
    with (
        os.fdopen(os.dup(2), "w") as screen,
        tqdm(total=layers, desc="counting", unit="layer", file=screen, delay=1, leave=False) as bar,
    ):
        segments = _Segments(bar)
        for network in networks:
            network.through = segments
        try:
            program = trace_program(function, specs)
        finally:
            for network, before in zip(networks, ways, strict=True):
                network.through = before
    return read_program(program, segments.spans)


class _Segments:
    """Runs a layer of a network while it is traced, and notes which operations are its."""

    def __init__(self, bar):
        self.spans, self._bar = [], bar

    def __call__(self, layer, *arguments):
        start = self._count()
        results = layer(*arguments)
        self.spans.append((start, self._count()))
        self._bar.update()
        return results

    def _count(self):
        block = paddle.static.default_main_program().global_block()
        return sum(op.name() != "builtin.parameter" for op in block.ops)
