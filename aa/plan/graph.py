"""The operations of a training step at any size, from the model itself; nothing is computed.

Paddle traces the real networks with shapes alone: SD1.5's two UNets take seconds and no memory.
"""

import logging
from dataclasses import dataclass, field
from math import prod

import paddle
from paddle.static import InputSpec

from aa.models.animate_anyone import AnimateAnyone

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "bool": 1}


@dataclass(eq=False)
class Tensor:
    """A result of an operation, an input or a parameter.

    Attributes:
        shape: numbers along each axis.
        item_bytes: bytes of one number.
        parameter: its name, None for what a step computes.
        needs_grad: whether the backward pass comes here.
    """

    shape: tuple
    item_bytes: int = 4
    parameter: str | None = None
    needs_grad: bool = False

    @property
    def numbers(self):
        return prod(self.shape)

    @property
    def bytes(self):
        return self.numbers * self.item_bytes


@dataclass(eq=False)
class Operation:
    """One operation: `segment` is the number of the layer that recompute would drop, or None."""

    name: str
    inputs: list
    outputs: list
    attributes: dict = field(default_factory=dict)
    segment: int | None = None


@dataclass
class Graph:
    """Operations in the order they run, and the tensors that come from outside and go there."""

    operations: list
    results: list


def shape_only_model(model_config, *, motion_modules):
    """An `AnimateAnyone` whose parameters have shapes and no memory."""
    from paddlenlp.transformers.model_utils import no_init_weights

    with paddle.LazyGuard(), no_init_weights():
        return AnimateAnyone(model_config, motion_modules=motion_modules)


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
    size = model.config.image_encoder.image_size
    learns = any(not p.stop_gradient for p in model.image_encoder.parameters())
    image = (batch, 3, size, size) if learns else (batch, 1, model.config.cross_attention_dim)

    def predict(noisy, timesteps, image, pose_pixels, reference_latents):
        image_embeds = model.encode_image(image) if learns else image
        return model.denoising_unet(
            noisy,
            timesteps,
            image_embeds,
            pose_features=model.pose_guider(pose_pixels),
            reference=model.reference_features(reference_latents, image_embeds),
        )

    model.train()
    return trace(
        predict,
        [
            _spec(batch, latents[0], frames, *latents[1:]),
            InputSpec([batch * frames], "int64", stop_gradient=True),
            _spec(*image),
            _spec(batch, 3, frames, height, width),
            _spec(batch, *latents),
        ],
        networks=[model.reference_unet, model.denoising_unet],
    )


def trace_encoding(model, *, pictures, height, width):
    """The `Graph` of encoding so many pictures at once by the VAE, which never trains."""
    return trace(
        lambda pixels: model.vae.encode(pixels).latent_dist.mean,
        [_spec(pictures, 3, height, width)],
    )


def _spec(*shape):
    return InputSpec(list(shape), "float32", stop_gradient=True)


def trace(function, specs, *, networks=()):
    """The `Graph` of a function of tensors; `networks` say which operations are one layer's.

    Args:
        function: takes as many tensors as there are specs.
        specs: Paddle's InputSpecs.
        networks: the `UNet`s that it runs.
    """
    # Untouched code: Paddle would rewrite it otherwise, which it needs for data-dependent branches.
    untouched = paddle.jit.not_to_static(function)

    def run(inputs):
        return untouched(*inputs)

    segments = _Segments()
    ways = [network.through for network in networks]
    for network in networks:
        network.through = segments
    level = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        program = paddle.jit.to_static(run, input_spec=[specs], full_graph=True).concrete_program
    finally:
        logging.disable(level)
        for network, before in zip(networks, ways, strict=True):
            network.through = before
    return _read(program, segments.spans)


class _Segments:
    """Runs a layer of a network while it is traced, and notes which operations are its."""

    def __init__(self):
        self.spans = []

    def __call__(self, layer, *arguments):
        start = self._count()
        results = layer(*arguments)
        self.spans.append((start, self._count()))
        return results

    def _count(self):
        block = paddle.static.default_main_program().global_block()
        return sum(op.name() != "builtin.parameter" for op in block.ops)


def _read(program, spans):
    """A `Graph` of Paddle's program."""
    known, operations = {}, []
    segment_of = {i: n for n, (start, end) in enumerate(spans) for i in range(start, end)}
    number = 0
    for op in program.main_program.global_block().ops:
        name = op.name().split(".")[-1].rstrip("_")
        results = [_tensor(value, known) for value in op.results()]
        if name == "parameter":
            results[0].parameter = op.attrs()["parameter_name"]
            results[0].needs_grad = not op.results()[0].stop_gradient
            continue
        operands = [v for v in op.operands_source() if v.initialized()]  # others are optional
        inputs = [_tensor(value, known) for value in operands]
        if name == "combine":  # several values as one operand: they are the bundle
            results[0].extend(inputs)
        elif name == "split" and op.name().startswith("builtin"):  # a bundle's values by name
            inputs[0].extend(results)
        else:
            operations.append(
                Operation(name, inputs, results, _attributes(op), segment_of.get(number))
            )
        number += 1
    for operation in operations:
        operation.inputs, operation.outputs = _flat(operation.inputs), _flat(operation.outputs)
    return Graph(operations, [_tensor(value, known) for value in program.outputs])


def _tensor(value, known):
    """The `Tensor` of Paddle's value; a list, filled by others, for a bundle of values."""
    if value.id not in known:
        if value.is_dense_tensor_type():
            kind = str(value.dtype).split(".")[-1].lower()
            known[value.id] = Tensor(tuple(value.shape), BYTES.get(kind, 4))
        else:
            known[value.id] = []
    return known[value.id]


def _flat(values):
    return [t for value in values for t in (value if isinstance(value, list) else [value])]


def _attributes(op):
    wanted = ("perm", "transpose_x", "transpose_y")
    return {key: value for key, value in op.attrs().items() if key in wanted}
