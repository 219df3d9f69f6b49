"""Schema of `runners/export.py`."""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.alerts import AlertsConfig
from aa.config.checks import rerun_folder, wanted
from aa.config.sweep import SweepConfig


@dataclass
class ExportConfig:
    """A model, and the one kind of animation that its ONNX files are made for."""

    weights: str = "pretrained_weights"  # a weights folder, or a run folder of runners/train.py
    target: str = MISSING  # a folder that is not there yet
    height: int = MISSING  # of the video, pixels
    width: int = MISSING  # of the video, pixels
    context_frames: int = 24  # of one window: the fewest that the export animates
    context_overlap: int = 4  # frames that neighbouring windows share
    num_inference_steps: int = 20  # of DDIM
    guidance_scale: float = 3.5  # 1 or less computes no guidance
    device: str = "cpu"  # cpu: plain ONNX, runs anywhere; cuda: forms that only ONNX Runtime's has
    precision: str = "float32"  # float32; with device=cuda float16 too
    rerun: str | None = None  # the folder of a run to repeat in a new folder
    rerun_check: bool = False  # compare the files with that run's
    sweep: SweepConfig = field(default_factory=SweepConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    name: str = "export"  # part of the run folder's name

    def __post_init__(self) -> None:
        for key, known in (("device", ("cpu", "cuda")), ("precision", ("float32", "float16"))):
            value = getattr(self, key)
            wanted(value in known, f"{key} must be {' or '.join(known)}, got {value}.")
        wanted(
            self.device == "cuda" or self.precision == "float32",
            f"precision={self.precision} is for device=cuda; on a CPU nothing computes in it.",
        )
        rerun_folder(self)
        for key in ("height", "width", "context_frames", "num_inference_steps"):
            value = getattr(self, key)
            wanted(value > 0, f"{key} must be more than 0, got {value}.")
        wanted(
            0 <= self.context_overlap < self.context_frames,
            f"context_overlap ({self.context_overlap}) must be less than context_frames "
            f"({self.context_frames}), and not negative.",
        )
        wanted(
            0 <= self.guidance_scale < float("inf"),
            f"guidance_scale must not be negative, got {self.guidance_scale}.",
        )
        wanted(self.num_inference_steps <= 1000, "num_inference_steps must be at most 1000.")
