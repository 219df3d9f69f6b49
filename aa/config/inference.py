"""Schema of the group `inference`."""

from dataclasses import dataclass

from aa.config.checks import one_of, positive, size, wanted
from aa.config.hardware import PRECISIONS
from aa.config.sampling import SamplingOptions

ENGINES = ("eager", "compiled", "openvino", "onnxruntime")


@dataclass
class InferenceConfig(SamplingOptions):
    """Settings of an animation; null width, height, num_frames and fps follow the pose video."""

    width: int | None = None  # pixels, a multiple of 8
    height: int | None = None  # pixels, a multiple of 8
    num_frames: int | None = None  # frames of the result at most
    fps: float | None = None  # frames a second of the result
    engine: str = "eager"  # Paddle operation by operation; compiled, openvino, onnxruntime: graphs
    device: str = "cpu"  # of the engine onnxruntime: cpu or cuda; hardware says where Paddle runs
    precision: str | None = None  # float32, float16 or bfloat16; null: hardware.precision
    weights: str = "float"  # or int8: of compiled or openvino, projections' weights in 8 bits
    lora: str | None = None  # adapters to merge in: a file, or the run that trained them
    cache_dir: str | None = None  # folder of compiled graphs; null: in the user's cache folder
    align: str | None = None  # none, scale or limbs; null: limbs for driving, none for poses
    format: str = "mp4"  # mp4, gif or png
    audio: str = "keep"  # the pose video's sound: keep or drop

    def __post_init__(self) -> None:
        if self.width is not None and self.height is not None:
            size("inference", self)
        wanted(
            (self.width is None) == (self.height is None),
            "inference.width and inference.height must be given together.",
        )
        for key in ("num_frames", "fps"):
            if getattr(self, key) is not None:
                positive("inference", self, key)
        if self.align is not None:
            one_of("inference", self, "align", ("none", "scale", "limbs"))
        one_of("inference", self, "format", ("mp4", "gif", "png"))
        one_of("inference", self, "audio", ("keep", "drop"))
        one_of("inference", self, "engine", ENGINES)
        one_of("inference", self, "device", ("cpu", "cuda"))
        one_of("inference", self, "weights", ("float", "int8"))
        if self.precision is not None:
            one_of("inference", self, "precision", PRECISIONS)
        super().__post_init__()

    def _owner(self) -> str:
        return "inference"
