"""Memory that one device needs for a training, part by part."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aa.config.model import ModelConfig
from aa.config.stage import StageConfig
from aa.models.animate_anyone import AnimateAnyone
from aa.models.shape_only import shape_only_model
from aa.plan.graph import (
    LayerSpans,
    image_learns,
    trace_encoding,
    trace_image,
    trace_prediction,
)
from aa.plan.lowering import fuse_attention, lower
from aa.plan.memory import StepMemory
from aa.plan.order import mark_gradients
from aa.plan.program import Graph
from aa.plan.work import Cost, forward_work, graph_work, update_work
from aa.training.trainable import choose_parameters

GIB = 2**30
# Not counted but known: CUDA's context, the libraries' workspaces and memory that stays unused
# between blocks on a GPU (an assumption); Python with Paddle and its libraries on the CPU (seen).
OVERHEAD = {"gpu": 1.5 * GIB, "cpu": 0.6 * GIB}


@dataclass(frozen=True)
class StepShape:
    """The settings of a training that decide its memory. Sizes in pixels, `batch` is a device's.

    `encodes` says whether a step runs the VAE, which it does not with latents that are kept.
    """

    batch: int
    frames: int
    height: int
    width: int
    recompute: bool
    sharding: str = "none"
    offload: bool = False
    devices: int = 1
    encodes: bool = True


@dataclass
class MemoryBudget:
    """Bytes of one device: {part: bytes} and their sum."""

    parts: dict

    @property
    def total(self) -> float:
        return sum(self.parts.values())


class StepCounter:
    """Counts settings of one model and stage; what differs in plain numbers only is traced once.

    Args:
        device: "cpu" or "gpu".
        half: whether it computes in float16 or bfloat16.
    """

    def __init__(
        self, model_config: ModelConfig, stage: StageConfig, *, device: str, half: bool
    ) -> None:
        self.layers = LayerSpans()
        self.model = shape_only_model(
            model_config,
            motion_modules=stage.motion_modules,
            guidance=stage.objective == "guidance",
            reference_pose=stage.reference_pose,
            run_layer=self.layers,
        )
        choose_parameters(self.model, stage.trainable, stage.lora_rank)
        self.device, self.half, self.averaged = device, half, bool(stage.ema_decay)
        parameters = self.model.parameters()
        self.weights = 4 * sum(p.size for p in parameters)
        self.trained = 4 * sum(p.size for p in parameters if not p.stop_gradient)
        self.teacher, self.teacher_passes = _teacher(self.model, stage)
        self._graphs = {}

    def count(self, setting: StepShape) -> MemoryBudget:
        """Count the memory of a step of this shape."""
        step = StepMemory(self._prediction(setting), recompute=setting.recompute)
        more = 0
        if setting.encodes:
            frames = self._encoding(setting, setting.batch * setting.frames)
            more = max(0, StepMemory(frames, backward=False).peak - step.peak)
        parts = {
            "weights": self.weights,
            "gradients": self.trained,
            "optimizer": 2 * self.trained,
            "average of the weights": self.trained if self.averaged else 0,
            **({"teacher": self.teacher} if self.teacher else {}),
            **self._split(setting),
            "kept for the backward pass": step.kept,
            "at its height": step.peak - step.kept,
            "more while the VAE encodes": more,
            "Paddle and its libraries": OVERHEAD[self.device],
        }
        return MemoryBudget(parts)

    def work(self, setting: StepShape, *, accumulation: int = 1) -> Cost:
        """Count the work of a step on one device: batches encoded, predicted and learnt from.

        Args:
            accumulation: batches to a step.
        """
        prediction = self._prediction(setting)
        mark_gradients(prediction.operations, True)
        batch = graph_work(prediction, recompute=setting.recompute)
        batch += Cost(forward_work(prediction).parts * self.teacher_passes)
        if setting.encodes:
            for pictures in (setting.batch * setting.frames, setting.batch):  # and the references
                batch += graph_work(self._encoding(setting, pictures))
        if not image_learns(self.model):
            batch += graph_work(self._traced(trace_image, batch=setting.batch))
        shards = 1 if setting.sharding == "none" else setting.devices
        update = update_work(self.trained, averaged=self.averaged, shards=shards)
        return Cost(batch.parts * accumulation, batch.repeated * accumulation) + update

    def _split(self, setting: StepShape) -> dict[str, float]:
        """The parts that sharding splits over the devices, or leaves in the host's memory."""
        n, level = setting.devices, setting.sharding
        here = 0 if setting.offload else 1
        parts = {}
        if level != "none":
            parts["optimizer"] = here * 2 * self.trained / n
        if level in ("stage2", "stage3"):
            parts["gradients"] = self.trained / n
        if level == "stage3":
            parts["weights"] = self.weights - self.trained * (1 - here / n)
        return parts

    def _prediction(self, setting: StepShape) -> Graph:
        size = {"height": setting.height, "width": setting.width}
        shape = {"batch": setting.batch, "frames": setting.frames, **size}
        return self._traced(trace_prediction, layers=self.layers, **shape)

    def _encoding(self, setting: StepShape, pictures: int) -> Graph:
        size = {"height": setting.height, "width": setting.width}
        return self._traced(trace_encoding, pictures=pictures, **size)

    def _traced(self, trace: Callable[..., Graph], **options: Any) -> Graph:
        """The graph that `trace` makes with these options, as this device runs it; made once."""
        key = (trace, *options.values())
        if key not in self._graphs:
            graph = trace(self.model, **options)
            if self.device == "gpu":
                graph = lower(graph, half=self.half)
            elif trace is trace_prediction:  # the VAE's attention is the library's
                graph = fuse_attention(graph)
            self._graphs[key] = graph
        return self._graphs[key]


def _teacher(model: AnimateAnyone, stage: StageConfig) -> tuple[int, int]:
    """Bytes of the networks that a stage's teacher has for itself, and its passes in a batch."""
    if not stage.distils:
        return 0, 0
    shared = (model.reference_unet, model.pose_guider)
    own = [network for network in shared if any(not p.stop_gradient for p in network.parameters())]
    numbers = sum(p.size for layer in (model.denoising_unet, *own) for p in layer.parameters())
    return 4 * numbers, 2 if stage.objective == "guidance" else stage.teacher_steps
