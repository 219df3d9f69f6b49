"""LPIPS and FVD by their libraries, where these and their weights are installed; never downloads.

Libraries are the extra `metrics`; weights are looked for where torch keeps what it has fetched.
"""

import contextlib
import importlib.util
import io
import os
import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aa.errors import UserError

MODULES = {"lpips": ("torch", "torchvision", "torchmetrics"), "fvd": ("torch", "cdfvd")}
WEIGHTS = {  # file, what it is
    "lpips": ("alexnet-owt-7be5be79.pth", "torchvision's AlexNet, ImageNet weights"),
    "fvd": ("i3d_pretrained_400.pt", "cd-fvd's I3D, Kinetics-400 weights"),
}
FVD_FEATURES = 400  # I3D's logits


def why_not(name: str) -> str | None:
    """One line that says why "lpips" or "fvd" cannot be computed here and what to do, or None."""
    absent = [m for m in MODULES[name] if importlib.util.find_spec(m) is None]
    if absent:
        return (
            f"not installed: {', '.join(absent)}; install the extra `metrics`: "
            "pip install -e '.[metrics]'"
        )
    path = weights_file(name)
    if not path.is_file():
        return f"no file {path} ({WEIGHTS[name][1]}); put it there, or set TORCH_HOME"
    return None


def weights_file(name: str) -> Path:
    """Path at which the weights of "lpips" or "fvd" are expected, in torch's own cache."""
    import torch  # pyright: ignore[reportMissingImports]

    return Path(torch.hub.get_dir()) / "checkpoints" / WEIGHTS[name][0]


class Lpips:
    """LPIPS (Zhang et al. 2018) on AlexNet, torchmetrics' implementation.

    Raises UserError if the weights cannot be read. DisCo's tables use VGG16 and feed it 0..1
    where -1..1 is meant: they are not comparable with this.
    """

    def __init__(self) -> None:
        _read_tensors_only()
        with _told_weights("lpips"):
            from torchmetrics.image.lpip import LearnedPerceptualImagePatchSimilarity  # pyright: ignore[reportMissingImports]

            network = LearnedPerceptualImagePatchSimilarity(
                net_type="alex", reduction="none", normalize=True
            )
            self.network, self.device = network.to(_device()), _device()

    def per_frame(self, generated: np.ndarray, truth: np.ndarray) -> np.ndarray:
        """uint8 [F, H, W, 3] twice -> float [F], 0 for equal frames."""
        import torch  # pyright: ignore[reportMissingImports]

        pair = [torch.from_numpy(v).permute(0, 3, 1, 2).to(self.device) for v in (generated, truth)]
        with torch.no_grad():
            values = self.network(*(v.float() / 255 for v in pair))
        self.network.reset()  # it keeps all values otherwise
        return np.atleast_1d(values.cpu().numpy()).astype(np.float64)


class Fvd:
    """FVD (Unterthiner et al. 2018) on I3D logits, cd-fvd's implementation.

    Raises UserError if the weights cannot be read. Every 16 frames in a row are one sample; a
    shorter rest of a clip is not looked at. Values of few samples are too high: compare those of
    equal numbers only.
    """

    def __init__(self) -> None:
        _read_tensors_only()
        with _told_weights("fvd"):
            from cdfvd.fvd import cdfvd  # pyright: ignore[reportMissingImports]

            self.metric = cdfvd(
                "i3d",
                n_real="full",
                n_fake="full",
                ckpt_path=str(weights_file("fvd")),
                device=_device(),
            )

    def add(self, generated: np.ndarray, truth: np.ndarray) -> None:
        """One sample, uint8 [16, H, W, 3] twice."""
        self.metric.add_fake_stats(generated[None])
        self.metric.add_real_stats(truth[None])

    def value(self) -> float:
        """The Frechet distance of all samples so far, as a float."""
        with warnings.catch_warnings():  # of a singular covariance: `EvaluationRun` tells it
            warnings.simplefilter("ignore")
            return float(self.metric.compute_fvd_from_stats())


def _device() -> str:
    import torch  # pyright: ignore[reportMissingImports]

    return "cuda" if torch.cuda.is_available() else "cpu"


def _read_tensors_only() -> None:
    """Let torch refuse weights, which are pickles, that hold more than tensors."""
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"


@contextlib.contextmanager
def _told_weights(name: str) -> Iterator[None]:
    """Context in which reading weights prints nothing and an error is one line about the file."""
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    except Exception as error:  # torch and zipfile raise many kinds
        line = re.split(r"\. |\n", str(error).strip())[0] or type(error).__name__
        raise UserError(
            f"{weights_file(name)}: cannot be read as {WEIGHTS[name][1]} ({line}); fetch it again."
        ) from error
