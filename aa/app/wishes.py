"""What is asked for on the screen Animate, and the ordinary command that makes it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from aa.app.asking import given, given_number
from aa.app.commands import overrides
from aa.app.places import Places
from aa.app.uploads import unhashed
from aa.config.checks import MOST_SEED
from aa.config.inference import InferenceConfig
from aa.config.sampling import SamplingOptions
from aa.errors import UserError
from aa.runs.jobs import short
from aa.runs.listing import Run
from aa.weights.folders import open_folder

MOST_SIDE, MOST_FRAMES, MOST_FPS = 4096, 100_000, 240
SAME = "same"  # the preset that repeats another run's
# {whether the model is a compact one: {preset: overrides}}; such a model knows no guidance.
PRESETS: dict[bool, dict[str, list[str]]] = {
    False: {
        "fast": ["inference=fast", "inference.engine=compiled"],
        "good": ["inference.engine=compiled"],
    },
    True: {
        "fast": ["inference=puppets"],
        "good": ["inference=puppets", "inference.num_inference_steps=10"],
    },
}
STEPS = {False: {"fast": (6, 1), "good": (20, 2)}, True: {"fast": (4, 1), "good": (10, 1)}}
# That SAME repeats, beside those of sampling.
OTHERS = ("engine", "precision", "weights", "align", "format", "audio")
FORM = ("reference", "motion", "weights", "preset", "seed", "person", "kind", "again")
NUMBERS = ("width", "height", "num_frames", "fps")


@dataclass(frozen=True)
class Wish:
    """An animation as it is asked for; paths are those of files that may be used.

    Attributes:
        reference, motion, weights: as commands name them.
        driving: the motion is a raw video.
        preset: "fast", "good", or SAME, the settings of `again`.
        compact: whether the model is a small one for generated figures.
        seed: of the noise.
        person: who is followed, see `poses.person`.
        sizes: `width`, `height`, `num_frames`, `fps`; those that are None follow the motion.
        repeated: {key: value} of the settings of the run to repeat.
    """

    reference: str
    motion: str
    weights: str
    driving: bool
    preset: str
    compact: bool
    seed: int
    person: str
    sizes: Mapping[str, float | None]
    repeated: Mapping[str, Any]

    def arguments(self) -> list[str]:
        """The overrides of its command, without its run folder."""
        chosen = [] if self.preset == SAME else PRESETS[self.compact][self.preset]
        values: dict[str, Any] = {"weights": self.weights, "reference": self.reference}
        values["driving" if self.driving else "pose"] = self.motion
        for key in NUMBERS:
            values[f"inference.{key}"] = self.sizes[key]
        values["inference.seed"] = self.seed
        if self.driving and self.person != "largest":
            values["poses.person"] = self.person
        repeated = self.repeated if self.preset == SAME else {}
        return [*chosen, *overrides({**repeated, **values})]

    @property
    def steps(self) -> tuple[int, int]:
        """(denoising steps, network calls in each)."""
        if self.preset != SAME:
            return STEPS[self.compact][self.preset]
        options = InferenceConfig()
        steps = self.repeated.get("inference.num_inference_steps", options.num_inference_steps)
        guided = self.repeated.get("inference.guidance_scale", options.guidance_scale) > 1
        return steps, 1 + guided

    @property
    def title(self) -> str:
        """Its name for people."""
        return " · ".join(unhashed(Path(path).stem) for path in (self.reference, self.motion))


def read_wish(values: Mapping[str, Any], places: Places, repeated: Run | None) -> Wish:
    """The wish that a form makes.

    Args:
        values: of the form, as texts.
        places: where files may lie.
        repeated: the run whose settings SAME repeats, or None.

    Raises:
        UserError: a value is missing or impossible, or a path lies elsewhere.
    """
    reference = short(places.file(given(values, "reference")))
    motion, weights = short(places.file(given(values, "motion"))), given(values, "weights")
    weights = short(places.folder(weights))
    opened = open_folder(weights)
    compact = opened.model.architecture == "compact"
    preset = given(values, "preset")
    if preset not in PRESETS[compact] and not (preset == SAME and repeated):
        raise UserError("preset: fast or good is expected.")
    kind = given(values, "kind")
    if kind not in ("driving", "pose"):
        raise UserError("kind: driving or pose is expected.")
    _check_own_pose(opened.has_reference_pose, kind, repeated)
    person = given(values, "person", empty=True) or "largest"
    if person not in ("largest", "left", "right") and not (person.isdecimal() and len(person) < 3):
        raise UserError("person: largest, left, right or a number is expected.")
    return Wish(
        reference=reference,
        motion=motion,
        weights=weights,
        driving=kind == "driving",
        preset=preset,
        compact=compact,
        seed=int(given_number(values, "seed", least=0, most=MOST_SEED) or 0),
        person=person,
        sizes=_sizes(values),
        repeated=settings_of(repeated) if repeated else {},
    )


def _check_own_pose(wanted: bool, kind: str, repeated: Run | None) -> None:
    """Refuse what only a command can give: a file of the picture's own pose.

    Args:
        wanted: whether the weights are given it.
    """
    if wanted and (kind == "pose" or (repeated and repeated.config.get("reference_pose"))):
        raise UserError(
            "weights: these are given the picture's own pose, which this page finds for a video of "
            "a person only; give it to a command, reference_pose=<picture of its skeleton>."
        )


def settings_of(run: Run) -> dict[str, Any]:
    """{key: value} of how a run animated, without sizes and files, where that is not the default.

    Values are plain ones of the types that the keys have: what else a folder says is left out.
    """
    default, found = asdict(InferenceConfig()), {}
    names = [field.name for field in fields(SamplingOptions) if field.name != "seed"]
    for name in (*names, *OTHERS):
        value = run.config.get(f"inference.{name}")
        is_one = isinstance(value, str | bool | int | float) and value != default[name]
        if is_one and (default[name] is None or type(value) is type(default[name])):
            found[f"inference.{name}"] = value
    return found


def form_of(run: Run, places: Places) -> dict[str, Any]:
    """The values of the form that repeat a run; files that may not be used are left empty."""
    config = run.config

    def usable(value: Any, find: Any) -> str:
        try:
            return short(find(str(run.home / str(value)))) if value else ""
        except UserError:
            return ""

    motion = config.get("driving") or config.get("pose")
    values = {key: config.get(f"inference.{key}") for key in NUMBERS}
    return {
        **{key: "" if value is None else value for key, value in values.items()},
        "reference": usable(config.get("reference"), places.file),
        "motion": usable(motion, places.file),
        "weights": usable(config.get("weights"), places.folder),
        "kind": "driving" if config.get("driving") else "pose",
        "seed": config.get("inference.seed", 42),
        "person": config.get("poses.person", "largest"),
        "preset": SAME,
        "again": places.name(run.folder),
    }


def _sizes(values: Mapping[str, Any]) -> dict[str, float | None]:
    """The numbers of a form; whole ones but for the rate."""
    most = {"width": MOST_SIDE, "height": MOST_SIDE, "num_frames": MOST_FRAMES, "fps": MOST_FPS}
    found = {key: given_number(values, key, least=1, most=most[key]) for key in NUMBERS}
    whole = {k: v if v is None or k == "fps" else int(v) for k, v in found.items()}
    if whole["fps"] is not None and whole["fps"] == int(whole["fps"]):
        whole["fps"] = int(whole["fps"])
    if (whole["width"] is None) != (whole["height"] is None):
        raise UserError("width and height are given together, or both follow the video.")
    return whole
