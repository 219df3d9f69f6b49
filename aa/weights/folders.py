"""The content of a weights folder: its layout, its model config and the file of each component.

Layout 1 is the torch release, layout 2 the Paddle release, layout 3 our own. "start" is the folder
training starts from: SD1.5, AnimateDiff and ControlNet files as they are published.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypedDict

from aa.config.model import ModelConfig
from aa.errors import UserError
from aa.runs.layout import STAGES, list_checkpoints
from aa.weights.lora import read_lora
from aa.weights.published import model_config, published_config, read_json
from aa.weights.reading.shown import shown
from aa.weights.tables import COMPONENTS, LORA

FORMAT = "aa-1"
_SAFE_OR_TORCH = ("diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.bin")


class Parts(TypedDict):
    """What a model has beside its networks, see `AnimateAnyone`."""

    motion_modules: bool
    guidance: bool
    reference_pose: bool


@dataclass(frozen=True)
class Source:
    """One component's file.

    `ignore` names prefixes the file may have beyond the component; `lora` files of adapters, which
    are merged in when it is read.
    """

    path: Path
    paddle_layout: bool = False
    select: str = ""
    ignore: tuple = ()
    lora: tuple[Path, ...] = ()


@dataclass(frozen=True)
class WeightsFolder:
    """A recognised folder: `layout` 1, 2, 3 or "start"; `lora` is its own file of adapters."""

    path: Path
    layout: int | str
    model: ModelConfig
    sources: dict = field(repr=False)
    lora: Path | None = None

    @property
    def has_motion(self) -> bool:
        return "motion_module" in self.sources

    @property
    def has_guidance(self) -> bool:
        """Whether there is an embedding of the scale of guidance, see `GuidanceEmbedding`."""
        return "guidance_embedding" in self.sources

    @property
    def has_reference_pose(self) -> bool:
        """Whether the reference network is given the pose of its image."""
        return "reference_pose" in self.sources

    @property
    def parts(self) -> Parts:
        """The arguments of `AnimateAnyone` that say what it has beside its networks."""
        return {
            "motion_modules": self.has_motion,
            "guidance": self.has_guidance,
            "reference_pose": self.has_reference_pose,
        }

    def with_lora(self, path: str | Path | None) -> "WeightsFolder":
        """Return these weights with more adapters merged in, see `find_lora`; None adds none.

        Raises:
            UserError: there are none at that path.
        """
        return self if path is None else self._merging(find_lora(path))

    def without_lora(self) -> "WeightsFolder":
        """Return what its adapters were trained on."""
        bare = {name: replace(source, lora=()) for name, source in self.sources.items()}
        return replace(self, sources=bare)

    def _merging(self, file: Path) -> "WeightsFolder":
        adapted = {key.split(".")[0] for key in read_lora(file)}
        if lacking := sorted(adapted - self.sources.keys()):
            raise UserError(
                f"{file}: has adapters of {' and '.join(lacking)}, which {self.path} has not. Give "
                "the weights that they were trained on."
            )
        sources = {n: replace(s, lora=(*s.lora, file)) for n, s in self.sources.items()}
        return replace(self, sources=sources)


def open_folder(path: str | Path) -> WeightsFolder:
    """Recognise a weights folder, or a run folder by its newest checkpoint.

    Raises:
        UserError: no such folder, not a known layout, or a file of the layout is missing.
    """
    path = Path(path)
    if not path.is_dir():
        raise UserError(
            f"{path}: no such weights folder. Give a folder of weights or a run folder; "
            "`python -m aa.weights download` fetches the released ones."
        )
    path = _of_run(path)
    if (path / "config.json").is_file() and read_json(path / "config.json").get("format"):
        return _own(path)
    torch_files = [f"{name}.pth" for name in COMPONENTS[:4]]
    if any((path / name).is_file() for name in torch_files):
        return _torch_release(path, torch_files)
    for inner in (path, path / "tsaiyue" / "AnimateAnyone_PD"):
        if any(inner.glob("*_unet.pdparams")):
            return _paddle_release(inner)
    if (path / "stable-diffusion-v1-5" / "unet").is_dir():
        return _start(path)
    found = ", ".join(sorted(p.name for p in path.iterdir())[:5]) or "nothing"
    raise UserError(
        f"{path}: not a weights folder. Found {found}; wanted config.json with safetensors (ours), "
        "reference_unet.pth and its companions (torch release), or *.pdparams (Paddle release)."
    )


def find_lora(path: str | Path) -> Path:
    """Return the file of adapters that a path names: itself, a checkpoint's or a run's newest.

    Raises:
        UserError: there is none.
    """
    path = Path(path)
    if path.is_dir():
        folder = _of_run(path)
        if not (folder / LORA).is_file():
            raise UserError(
                f"{folder}: has no {LORA}; give the run of a training with stage.lora_rank, or a "
                "file of adapters."
            )
        return folder / LORA
    if not path.is_file():
        raise UserError(f"{path}: no such file of adapters; check the path.")
    return path


def _of_run(path: Path) -> Path:
    """The newest checkpoint of a run folder; any other folder as it is."""
    for stage in reversed(STAGES):  # a run of both stages: the last that has a result
        if list_checkpoints(path / stage):
            path = path / stage
    return _newest_checkpoint(path) if (path / "checkpoints").is_dir() else path


def weights_files(weights: WeightsFolder) -> list[Path]:
    """The files of a `WeightsFolder`: one or more for each component, adapters, their configs."""
    adapters = {file for source in weights.sources.values() for file in source.lora}
    files = {source.path for source in weights.sources.values()}
    homes = {file.parent for file in files} | {weights.path}
    homes.add(weights.path / "stable-diffusion-v1-5" / "unet")  # layout 1 has its sizes there
    return sorted(files | adapters | {c for h in homes if (c := h / "config.json").is_file()})


def _newest_checkpoint(run: Path) -> Path:
    checkpoints = list_checkpoints(run)
    if not checkpoints:
        raise UserError(f"{run}: this run has no checkpoint yet (stage.save_steps says when).")
    return checkpoints[-1]


def _require(folder: Path, *names: str) -> Path:
    """The first of the names that exists in the folder."""
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise UserError(f"{folder / names[0]}: missing. The folder is incomplete: download it again.")


def _own(path: Path) -> WeightsFolder:
    file = path / "config.json"
    config = read_json(file)
    if config["format"] != FORMAT:
        raise UserError(
            f"{file}: format {shown(config['format'])}, wanted {FORMAT}. Convert it again."
        )
    missing = [key for key in ("model", "components") if key not in config]
    if missing:
        raise UserError(f"{file}: has no {missing[0]}. Save or convert the weights again.")
    names = config["components"]
    if not isinstance(names, list) or not set(map(str, names)) <= set(COMPONENTS):
        raise UserError(f"{file}: components is {names}; wanted some of {', '.join(COMPONENTS)}.")
    sources = {n: Source(_require(path, f"{n}.safetensors")) for n in names}
    own = WeightsFolder(path, 3, model_config(file, config["model"]), sources)
    if not config.get("lora"):
        return own
    adapters = _require(path, LORA)
    return replace(own._merging(adapters), lora=adapters)


def _torch_release(path: Path, torch_files: list[str]) -> WeightsFolder:
    files = [_require(path, name) for name in torch_files]
    sources = {name: Source(file) for name, file in zip(COMPONENTS[:4], files, strict=True)}
    sources |= _frozen(path)
    unet = path / "stable-diffusion-v1-5" / "unet" / "config.json"
    model = published_config(unet, path, sources["motion_module"].path)
    return WeightsFolder(path, 1, model, sources)


def _paddle_release(path: Path) -> WeightsFolder:
    names = [("reference_unet.pdparams",), ("denoising_unet.pdparams",)]
    names += [
        ("motion_module_stage2.pdparams", "motion_module.pdparams"),
        ("pose_guider.pdparams",),
    ]
    files = [_require(path, *options) for options in names]
    sources = {
        name: Source(file, paddle_layout=True)
        for name, file in zip(COMPONENTS[:4], files, strict=True)
    }
    # The release keeps VAE and image encoder beside it or two folders up.
    homes = [p for p in (path, *path.absolute().parents[:2]) if (p / "image_encoder").is_dir()]
    home = homes[0] if homes else path
    sources |= _frozen(home)
    model = published_config(path / "config.json", home, sources["motion_module"].path)
    return WeightsFolder(path, 2, model, sources)


def _start(path: Path) -> WeightsFolder:
    unet = path / "stable-diffusion-v1-5" / "unet"
    weights = _require(unet, *_SAFE_OR_TORCH)
    sources = {
        "reference_unet": Source(weights, ignore=("conv_norm_out.", "conv_out.")),
        "denoising_unet": Source(weights),
    }
    control = path / "control_v11p_sd15_openpose"
    if control.is_dir():
        sources["pose_guider"] = Source(
            _require(control, *_SAFE_OR_TORCH), select="controlnet_cond_embedding."
        )
    motion = path / "mm_sd_v15_v2.ckpt"
    if motion.is_file():
        sources["motion_module"] = Source(motion)
    sources |= _frozen(path)
    model = published_config(unet / "config.json", path, motion if motion.is_file() else None)
    return WeightsFolder(path, "start", model, sources)


def _frozen(path: Path) -> dict[str, Source]:
    """VAE and image encoder, in torch's or Paddle's files."""
    vae = _require(path / "sd-vae-ft-mse", *_SAFE_OR_TORCH, "model_state.pdparams")
    encoder = _require(
        path / "image_encoder", "model.safetensors", "pytorch_model.bin", "model_state.pdparams"
    )
    return {
        "vae": Source(vae, paddle_layout=vae.suffix == ".pdparams"),
        "image_encoder": Source(encoder, paddle_layout=encoder.suffix == ".pdparams"),
    }
