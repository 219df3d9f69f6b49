"""Schemas of the primary configs and the checks of their values.

The yaml files under `conf/` fill these dataclasses and those of the groups; a key that none of them
knows, a wrong type or an impossible value is a `UserError` before anything heavy is loaded.
"""

from dataclasses import dataclass, field

from omegaconf import MISSING

from aa.config.alerts import AlertsConfig
from aa.config.checks import no_plan, rerun_folder, seed_range, shard_of, wanted
from aa.config.data import DataConfig
from aa.config.hardware import HardwareConfig
from aa.config.inference import InferenceConfig
from aa.config.model import (
    TrainModelConfig,
)
from aa.config.poses import PosesConfig
from aa.config.puppet_test import PuppetTestConfig
from aa.config.stage import POSE_PROJECTION, StageConfig
from aa.config.sweep import SweepConfig
from aa.config.trackers import check_trackers
from aa.config.validation import ValidationConfig, check_validation


@dataclass
class TrainConfig:
    """`runners/train.py`."""

    model: TrainModelConfig = MISSING
    data: DataConfig = MISSING
    stage: StageConfig = MISSING
    hardware: HardwareConfig = MISSING
    inference: InferenceConfig = MISSING
    next_stage: StageConfig | None = None  # trained after `stage`, from its result
    test: PuppetTestConfig | None = None  # what follows training on generated figures
    validation: ValidationConfig = field(default_factory=ValidationConfig)
    resume: str | None = None  # the folder of a stopped run, to resume
    resume_with_changes: bool = False  # although settings that decide its result have changed
    rerun: str | None = None  # the folder of a run to repeat in a new folder
    rerun_check: bool = False  # compare the result with that run's
    plan: str | None = None  # true or max: only say whether it fits
    sweep: SweepConfig = field(default_factory=SweepConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    trackers: list[str] = field(default_factory=list)  # who records it beside VisualDL: mlflow
    seed: int = 42  # of every random choice of the run
    name: str = "train"  # part of the run folder's name

    def __post_init__(self) -> None:
        seed_range("seed", self.seed)
        rerun_folder(self)
        no_plan(self)
        check_validation(self)
        check_trackers(self.trackers)
        step = self.model.size_step
        wanted(
            self.data.height % step == 0 and self.data.width % step == 0,
            f"data.height and data.width must be multiples of {step} for this model, got "
            f"{self.data.height} and {self.data.width}.",
        )
        wanted(
            self.next_stage is None or self.next_stage.init_from is None,
            "next_stage.init_from must be null, for it starts from the result of `stage`: add "
            "next_stage.init_from=null.",
        )
        wanted(
            self.stage.init_from != "",
            "stage.init_from must be given"
            + ": this model has no published weights" * (not self.model.released_weights)
            + ". Add stage.init_from=<a run folder of stage 1 or a weights folder; null starts at "
            "random>.",
        )
        wanted(
            self.test is None or self.data.generate is not None,
            "test draws figures that were not in the training clips: it needs data=puppets; "
            "use test=null for other data.",
        )
        wanted(
            not self.data.latents or self.model.vae.kind == "autoencoder_kl",
            "data.latents keeps what a VAE encodes; the latents of this model are the pixels "
            "themselves: use data.latents=null.",
        )
        for group, stage in self.stages_by_group.items():
            self._check_stage(group, stage)
        if self.validation.animated or any(stage.sample_steps for stage in self.stages):
            self._check_samples(self.model.motion_max_frames)

    @property
    def precision(self) -> str:
        """The precision that the networks compute in."""
        return self.hardware.precision

    @property
    def stages_by_group(self) -> dict[str, StageConfig]:
        """The stages of the run, in order, by the groups that they are."""
        next_stage = {"next_stage": self.next_stage} if self.next_stage else {}
        return {"stage": self.stage, **next_stage}

    @property
    def stages(self) -> list[StageConfig]:
        """The stages of the run, in order."""
        return [*self.stages_by_group.values()]

    def _check_stage(self, group: str, stage: StageConfig) -> None:
        reach = self.model.motion_max_frames
        wanted(
            not self.stage.reference_pose or stage.reference_pose,
            "next_stage.reference_pose must be true: it starts from weights that `stage` gives the "
            "pose of the reference.",
        )
        wanted(
            self.stage.reference_pose or not stage.reference_pose or stage.trains_pose_projection,
            "next_stage.reference_pose=true adds a projection that starts at zero, and nothing "
            f"would train it: let next_stage.trainable match {POSE_PROJECTION}*, with "
            "next_stage.lora_rank=0; or add stage.reference_pose=true.",
        )
        length, grid = self.model.noise_schedule.num_train_timesteps, stage.student_steps
        grid *= stage.teacher_steps
        wanted(
            not stage.distils or stage.init_from is not None or stage is self.next_stage,
            f"stage.objective={stage.objective} learns from the weights that it starts from: add "
            "stage.init_from=<a run folder or a weights folder>.",
        )
        wanted(
            not stage.part_weight or self.data.fit == "pad",
            f"{group}.part_weight finds face and hands in whole frames: use data.fit=pad.",
        )
        wanted(
            stage.objective != "few_steps" or length % grid == 0,
            f"{group}.student_steps x {group}.teacher_steps ({grid}) must divide the "
            f"{length} steps of the noise schedule.",
        )
        wanted(
            not stage.motion_modules or stage.num_frames <= reach,
            f"{group}.num_frames ({stage.num_frames}) must be at most "
            f"model.motion_max_frames ({reach}).",
        )
        wanted(
            self.hardware.sharding.level != "stage3" or not (stage.sample_steps or stage.ema_decay),
            "hardware/sharding=stage3 keeps slices of the weights: it goes with "
            f"{group}.sample_steps=0 and {group}.ema_decay=null only.",
        )

    def _check_samples(self, reach: int) -> None:
        options = self.inference
        frames = options.num_frames
        wanted(
            (options.engine, options.precision, options.weights) == ("eager", None, "float"),
            "inference.engine, inference.precision and inference.weights are for animations: the "
            "samples of a training are made by the networks as they are trained.",
        )
        wanted(
            options.lora is None,
            "inference.lora is for animations: a training starts from merged weights, "
            "stage.init_from=<the run of a LoRA training>.",
        )
        wanted(
            frames is not None and options.height is not None,
            "inference.num_frames must be given, and a size, where training animates "
            "(stage.sample_steps, validation.metrics); got null.",
        )
        if any(stage.motion_modules for stage in self.stages):
            options.check_reach(reach, frames or 0)


@dataclass
class InferConfig:
    """`runners/infer.py`."""

    weights: str = "pretrained_weights"  # a weights folder, or a run folder of runners/train.py
    reference: str | None = None  # image of the character
    pose: str | None = None  # a pose video, a picture of a pose, or an .npz of poses
    driving: str | None = None  # a raw video or picture, whose poses are detected
    reference_pose: str | None = None  # the reference's own pose: a picture, a video or an .npz
    cases: str | None = None  # yaml: reference image -> list of pose videos
    cases_shard: str | None = None  # "3/10": every tenth of the cases, from the third on
    hardware: HardwareConfig = MISSING
    inference: InferenceConfig = MISSING
    poses: PosesConfig = field(default_factory=PosesConfig)
    poses_only: bool = False  # end with the poses of raw videos, to look at them before the rest
    preview_every: int = 0  # steps (passes of a stream) from preview.webp to the next; 0: none
    resume: str | None = None  # the folder of a stopped run, whose missing videos are made
    resume_with_changes: bool = False  # although settings have changed
    rerun: str | None = None  # the folder of a run to repeat in a new folder
    rerun_check: bool = False  # compare the result with that run's
    plan: str | None = None  # true: only say whether it fits
    sweep: SweepConfig = field(default_factory=SweepConfig)
    alerts: AlertsConfig = field(default_factory=AlertsConfig)
    name: str = "infer"  # part of the run folder's name

    def __post_init__(self) -> None:
        rerun_folder(self)
        no_plan(self)
        given = [k for k in ("reference", "pose", "driving", "cases") if getattr(self, k)]
        wanted(
            given in (["reference", "pose"], ["reference", "driving"], ["cases"]),
            "give reference=<image> and pose=<poses> or driving=<video>, or +cases=<yaml file>; "
            f"got {' and '.join(given) or 'none of them'}.",
        )
        wanted(
            self.reference_pose is None or self.cases is None,
            "reference_pose goes with reference=<image>; in a list it stands among an image's pose "
            "videos, as `reference_pose=<file>`.",
        )
        if self.cases_shard is not None:
            shard_of(self.cases_shard)
            wanted(
                self.cases is not None,
                f"cases_shard={self.cases_shard} takes a part of a list: add +cases=<yaml file>, "
                "or leave it out.",
            )
        wanted(
            self.hardware.devices == 1,
            f"hardware.devices must be 1 to animate, got {self.hardware.devices}; "
            "start one run for each device.",
        )
        wanted(
            self.hardware.nodes == 1,
            f"hardware.nodes must be 1 to animate, got {self.hardware.nodes}; start a run on each "
            "host, with cases_shard=1/2 and 2/2 of a list.",
        )
        every = self.preview_every
        wanted(every >= 0, f"preview_every must not be negative, got {every}.")
        self._check_engine()

    @property
    def precision(self) -> str:
        """The precision that an animation is computed in."""
        return self.inference.precision or self.hardware.precision

    def _check_engine(self) -> None:
        engine, asked = self.inference.engine, self.inference.precision
        on_cpu = self.hardware.device == "cpu"
        wanted(
            self.inference.device == "cpu" or engine == "onnxruntime",
            f"inference.device={self.inference.device} is for inference.engine=onnxruntime; got "
            f"inference.engine={engine}.",
        )
        wanted(
            self.inference.weights == "float" or engine in ("compiled", "openvino"),
            f"inference.weights={self.inference.weights} is for inference.engine=compiled, which "
            f"is OpenVINO: others gain little or nothing by it; got inference.engine={engine}.",
        )
        if engine != "eager":
            wanted(
                on_cpu,
                f"inference.engine={engine} is made for a CPU; on a GPU use "
                "inference.engine=eager, or hardware=cpu.",
            )
            device = self.inference.device
            other = {"cpu": (), "cuda": ("float16",)} if engine == "onnxruntime" else {}
            known = ("float32", *other.get(device, ("bfloat16",)))
            wanted(
                self.precision in known,
                f"inference.engine={engine} computes {' or '.join(known)} on {device}, got "
                f"inference.precision={self.precision}.",
            )
        elif asked not in (None, "float32"):
            wanted(
                not on_cpu,
                f"inference.precision={asked} needs a GPU with inference.engine=eager; on a CPU "
                "use inference.engine=compiled, which computes bfloat16.",
            )
