"""The one kind of animation that an export is made for."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aa.errors import UserError

if TYPE_CHECKING:
    from aa.models.animate_anyone import AnimateAnyone


@dataclass(frozen=True)
class Animation:
    """Sizes and sampling that are fixed in the graphs and in the plan of an export.

    Attributes:
        height, width: of the video, pixels.
        frames: of one window, the fewest that the export animates.
        overlap: frames that neighbouring windows share.
        steps: of DDIM.
        guidance_scale: 1 or less computes no guidance.
        device: "cpu" for plain ONNX, or "cuda" for ONNX Runtime there.
        precision: "float32", or with "cuda" "float16".
    """

    height: int
    width: int
    frames: int
    overlap: int
    steps: int
    guidance_scale: float
    device: str = "cpu"
    precision: str = "float32"

    def check(self, model: "AnimateAnyone") -> None:
        """Refuse what the model cannot animate.

        Raises:
            UserError: it is given the reference's pose, its sizes are no multiples, or a window has
                more frames than motion reaches.
        """
        if model.has_reference_pose:
            raise UserError(
                "weights that are given the reference's pose (stage.reference_pose) have no "
                "export: animate them with runners/infer.py, with inference.engine=onnxruntime."
            )
        step, reach = model.config.size_step, model.config.motion_max_frames
        if self.height % step or self.width % step:
            raise UserError(
                f"height and width must be multiples of {step} for this model, got {self.height} x "
                f"{self.width}."
            )
        if model.has_motion and self.frames > reach:
            raise UserError(
                f"context_frames is {self.frames}, but the motion modules reach {reach} frames; "
                f"use context_frames={reach}."
            )
