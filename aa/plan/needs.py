"""What one device needs for a training, part by part."""

from dataclasses import dataclass

from aa.models.animate_anyone import shape_only_model
from aa.plan.graph import trace_encoding, trace_prediction
from aa.plan.lowering import lower
from aa.plan.memory import StepMemory
from aa.plan.rules import multiplications
from aa.training.trainable import set_trainable

GIB = 2**30
# Not counted but known: CUDA's context, the libraries' workspaces and memory that stays unused
# between blocks on a card (an assumption); Python with Paddle and its libraries on the CPU (seen).
OVERHEAD = {"gpu": 1.5 * GIB, "cpu": 0.6 * GIB}


@dataclass(frozen=True)
class Setting:
    """What of a training decides its memory. Sizes in pixels, `batch` is that of a device.

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
class Needs:
    """Bytes of one device: {part: bytes} and their sum; multiplications of one step."""

    parts: dict
    multiplications: int

    @property
    def total(self):
        return sum(self.parts.values())


class Counter:
    """Counts settings of one model and stage; what differs in plain numbers only is traced once.

    Args:
        model_config: the `ModelConfig`.
        stage: the `StageConfig`.
        device: "cpu" or "gpu".
        half: whether it computes in float16 or bfloat16.
    """

    def __init__(self, model_config, stage, *, device, half):
        self.model = shape_only_model(model_config, motion_modules=stage.motion_modules)
        set_trainable(self.model, stage.trainable)
        self.device, self.half, self.averaged = device, half, bool(stage.ema_decay)
        parameters = self.model.parameters()
        self.weights = 4 * sum(p.size for p in parameters)
        self.trained = 4 * sum(p.size for p in parameters if not p.stop_gradient)
        self._graphs = {}

    def count(self, setting):
        """The `Needs` of a `Setting`."""
        prediction, encoding = self._graph(setting)
        step = StepMemory(prediction, recompute=setting.recompute)
        encoding = StepMemory(encoding, backward=False).peak
        parts = {
            "weights": self.weights,
            "gradients": self.trained,
            "optimizer": 2 * self.trained,
            "average of the weights": self.trained if self.averaged else 0,
            **self._split(setting),
            "kept for the backward pass": step.kept,
            "at its height": step.peak - step.kept,
            "more while the VAE encodes": max(0, encoding - step.peak) if setting.encodes else 0,
            "Paddle and its libraries": OVERHEAD[self.device],
        }
        return Needs(parts, _work(prediction, recompute=setting.recompute))

    def _split(self, setting):
        """The parts that sharding splits over the devices, or leaves in the machine's memory."""
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

    def _graph(self, setting):
        size = {"height": setting.height, "width": setting.width}
        key = (setting.batch, setting.frames, *size.values())
        if key not in self._graphs:
            graphs = (
                trace_prediction(self.model, batch=setting.batch, frames=setting.frames, **size),
                trace_encoding(self.model, pictures=setting.batch * setting.frames, **size),
            )
            if self.device == "gpu":
                graphs = tuple(lower(graph, half=self.half) for graph in graphs)
            self._graphs[key] = graphs
        return self._graphs[key]


def _work(graph, *, recompute):
    """Multiplications of a step: forward, and one each for the gradient of both factors.

    Of a graph that a `StepMemory` has been through, which says where gradients go.
    """
    work = 0
    for operation in graph.operations:
        once = multiplications(operation)
        needed = any(output.needs_grad for output in operation.outputs)
        again = recompute and needed and operation.segment is not None
        gradients = sum(t.needs_grad for t in operation.inputs[:2]) if needed else 0
        work += once * (1 + again + gradients)
    return work
