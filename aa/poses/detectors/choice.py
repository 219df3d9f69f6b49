"""Which detector is used: by its name, or by the files that are there."""

from pathlib import Path

from aa.errors import UserError
from aa.poses.detectors.person import Detector

DETECTORS = ("auto", "mediapipe", "dwpose")
DWPOSE_DETECTOR = "pretrained_weights/dwpose/yolox_l.onnx"
DWPOSE_POSE = "pretrained_weights/dwpose/dw-ll_ucoco_384.onnx"


def choose_detector(
    name: str, *, dwpose_detector: str = DWPOSE_DETECTOR, dwpose_pose: str = DWPOSE_POSE
) -> str:
    """Return the name of the detector that is used: `mediapipe` or `dwpose`.

    Args:
        name: one of them, or `auto`: dwpose where both of its files are.
        dwpose_detector, dwpose_pose: its files.

    Raises:
        UserError: there is no detector of that name.
    """
    if name not in DETECTORS:
        raise UserError(f"detector={name}: expected one of {', '.join(DETECTORS)}.")
    if name != "auto":
        return name
    there = Path(dwpose_detector).is_file() and Path(dwpose_pose).is_file()
    return "dwpose" if there else "mediapipe"


def open_detector(
    name: str,
    *,
    num_threads: int | None = None,
    dwpose_detector: str = DWPOSE_DETECTOR,
    dwpose_pose: str = DWPOSE_POSE,
) -> Detector:
    """Make a detector ready to run.

    Args:
        name: see `choose_detector`.
        num_threads: of the processor; all that this process may use by default.
        dwpose_detector, dwpose_pose: released ONNX files of DWPose or RTMW.

    Raises:
        UserError: no such detector, or one of its files or packages is missing.
    """
    files = {"dwpose_detector": dwpose_detector, "dwpose_pose": dwpose_pose}
    if choose_detector(name, **files) == "dwpose":
        from aa.poses.detectors.dwpose import DwposeDetector

        return DwposeDetector(dwpose_detector, dwpose_pose, num_threads=num_threads)
    from aa.poses.detectors.mediapipe import MediapipeDetector

    return MediapipeDetector(num_threads)
