"""The callbacks of a training: what is recorded, looked at, validated and saved, in their order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from aa.build.data import build_protocol
from aa.config.convert import to_dict
from aa.runs.best import BestCheckpoint
from aa.runs.layout import CHECKPOINTS, PLAN
from aa.runs.reading import read_json
from aa.runs.resume import decisive_hash
from aa.training.callbacks import InspectCallback, WaitCallback
from aa.training.checkpoints import CheckpointCallback, EmaCallback
from aa.training.puppet_test import PuppetValidation
from aa.training.records import LogLastCallback, RecordCallback, StepSize
from aa.training.samples import SampleClips
from aa.training.state import load_parameters, load_records, state_folder
from aa.training.steps import FiniteCallback
from aa.training.validation import ClipValidation

if TYPE_CHECKING:
    from paddlenlp.trainer import TrainerCallback

    from aa.config.primary import TrainConfig
    from aa.data.clips import ValidationItems
    from aa.data.manifest import Clip
    from aa.runs.records import Recorder
    from aa.training.trainer import AnimateAnyoneTrainer

    # (what makes its function, every so many steps, at the last one too)
    Look = tuple[Callable[[], Callable[[int], None]], int, bool]


def build_callbacks(
    config: TrainConfig,
    trainer: AnimateAnyoneTrainer,
    *,
    clips: Sequence[Clip],
    held_out: ValidationItems | None,
) -> list[TrainerCallback]:
    """The callbacks of a training in the order in which they are called.

    Args:
        trainer: that they are for.
        clips: of the dataset; samples show the first that decodes.
        held_out: items of the clips that are held out.
    """
    session, decay = trainer.session, config.stage.ema_decay
    ema = EmaCallback([*trainer.parameters.values()], decay) if decay else None
    if session.resume_from:  # the average is of the weights as they were loaded
        load_parameters(state_folder(session.resume_from), trainer.parameters)
    record = _record(config, trainer)
    looks = _looks(config, trainer, clips, held_out)
    wait = WaitCallback([*session.looks.values()], session.agree)
    before = [session.agree, _finite(config, trainer), *([ema] if ema else [])]
    checkpoints = _checkpoints(config, trainer, record, ema, validated=held_out is not None)
    if record is None:
        return [*before, LogLastCallback(), wait, checkpoints]
    inspect = _inspect(looks, trainer, ema)
    watch = [session.watch] if session.watch else []
    shown = [record, *watch, LogLastCallback(), session.bar, *inspect]
    rest = [session.watch.rest] if session.watch else []  # after all that takes its time
    return [*before, *shown, wait, checkpoints, record.clock, *rest]


def looks_of(config: TrainConfig, *, held_out: bool) -> dict[str, tuple[int, bool]]:
    """The looks at the model, by name: every so many steps, and whether at the last one too.

    Those that are due in one step come in this order.

    Args:
        held_out: whether there are clips to validate on.
    """
    due = {}
    if config.stage.sample_steps:
        due["sample"] = config.stage.sample_steps, False
    if config.test:
        due["figures"] = config.test.validation_steps, False
    if held_out:
        due["clips"] = config.validation.steps, True
    return due


def _finite(config: TrainConfig, trainer: AnimateAnyoneTrainer) -> FiniteCallback:
    session = trainer.session
    return FiniteCallback(
        session.step,
        [*trainer.parameters.values()],
        describe=lambda k: str(trainer.clip(k).video),
        file=session.folder / "nonfinite.jsonl",
        skip=config.stage.skip_nonfinite,
    )


def _checkpoints(
    config: TrainConfig,
    trainer: AnimateAnyoneTrainer,
    record: RecordCallback | None,
    ema: EmaCallback | None,
    *,
    validated: bool,
) -> CheckpointCallback:
    session, validation = trainer.session, config.validation
    best = None
    if validated and validation.keep_best is not None:
        best = BestCheckpoint(session.folder, validation.keep_best, validation.steps)
    return CheckpointCallback(
        trainer.network,
        trainer.parameters,
        session.folder / CHECKPOINTS,
        save_steps=config.stage.save_steps,
        save_total_limit=config.stage.save_total_limit,
        config=decisive_hash(to_dict(config)),
        record=record,
        last=session.resume_from,
        ema=ema,
        gather=trainer.gather if config.hardware.sharding.level == "stage3" else None,
        best=best,
        requested=session.requested,
    )


def _record(config: TrainConfig, trainer: AnimateAnyoneTrainer) -> RecordCallback | None:
    session = trainer.session
    if session.recorder is None:
        return None
    size = _step_size(config, session.folder, trainer.args.dataset_world_size)
    record = RecordCallback(session.recorder, session.step, size, session.missed)
    if session.resume_from:
        record.load(load_records(state_folder(session.resume_from)))
    return record


def _step_size(config: TrainConfig, folder: Path, processes: int) -> StepSize:
    stage, data, stride = config.stage, config.data, config.model.vae.stride
    samples = stage.per_device_batch_size * stage.gradient_accumulation_steps * processes
    frames = samples * stage.num_frames
    tokens = frames * (data.height // stride) * (data.width // stride)
    plan, peak, share = folder / PLAN, config.hardware.peak_flops, None
    if plan.exists() and peak:
        share = read_json(plan)["model_tflop"] * 1e12 / peak
    return StepSize(samples, frames, tokens, share)


def _looks(
    config: TrainConfig,
    trainer: AnimateAnyoneTrainer,
    clips: Sequence[Clip],
    held_out: ValidationItems | None,
) -> dict[str, Look]:
    """What makes each look at the model, and when it is due, by name."""
    options, model, session = config.inference, trainer.network, trainer.session
    precision = trainer.autocast_smart_context_manager
    recorder, due = cast("Recorder", session.recorder), session.looks

    def samples() -> SampleClips:
        folder = session.folder / "samples"
        return SampleClips(model, clips, options, folder, recorder, precision, session.usable)

    def figures() -> PuppetValidation:
        protocol = build_protocol(config, "validation")
        return PuppetValidation(model, options, protocol, recorder, precision)

    def held_out_clips() -> ClipValidation:
        return ClipValidation(
            model,
            cast("ValidationItems", held_out),
            metrics=config.validation.metrics,
            options=options,
            recorder=recorder,
            precision=precision,
            usable=session.usable,
        )

    makers: dict[str, Callable[[], Callable[[int], None]]]
    makers = {"sample": samples, "figures": figures, "clips": held_out_clips}
    return {name: (makers[name], *due[name]) for name in due}


def _inspect(
    looks: dict[str, Look], trainer: AnimateAnyoneTrainer, ema: EmaCallback | None
) -> list[InspectCallback]:
    session = trainer.session
    return [
        InspectCallback(
            name,
            make(),
            trainer.network,
            every=every,
            at_end=at_end,
            ema=ema,
            stopper=session.stopper,
            missed=session.missed,
            requested=session.requested,
        )
        for name, (make, every, at_end) in looks.items()
    ]
