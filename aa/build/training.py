"""From a checked `TrainConfig` to its trainer."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aa.build.data import (
    build_clips,
    build_dataset,
    build_latents,
    build_validation_items,
    check_metrics,
    hold_out_clips,
)
from aa.build.model import build_model, check_reference_pose, check_same_model
from aa.config.convert import to_dict
from aa.errors import UserError, some
from aa.processes import is_first_of_host, is_main_process, is_rank, wait_for_others
from aa.runs.layout import CHECKPOINTS, METRICS, checkpoint_step, list_checkpoints

if TYPE_CHECKING:
    from paddlenlp.trainer import TrainingArguments

    from aa.config.primary import TrainConfig
    from aa.data.manifest import Clip
    from aa.runs.records import Recorder
    from aa.training.steps import Step
    from aa.training.trainer import AnimateAnyoneTrainer
    from aa.training.watch import Watch
    from aa.weights.folders import WeightsFolder

log = logging.getLogger(__name__)


def build_trainer(config: TrainConfig, folder: str | Path) -> AnimateAnyoneTrainer:
    """The trainer of a checked config: its model, its data, its run folder's records.

    Raises:
        UserError: data, weights or machine are not what the config says.
    """
    from aa.build.callbacks import build_callbacks, looks_of
    from aa.training.session import Session
    from aa.training.trainer import AnimateAnyoneTrainer
    from aa.training.usable import Usable

    resume_from = _checkpoint_to_resume(config, folder)
    start = _open_start(config, resume_from)
    every_clip, bad = build_clips(config)
    clips, held_out = hold_out_clips(config, every_clip)
    check_metrics(config, held_out)
    _say_how_streams_are_shown(config)
    arguments = _arguments(config, folder)
    model = build_model(config, start, resumed=resume_from is not None)
    latents = build_latents(config, model, every_clip) if config.data.latents else None
    processes = arguments.dataset_world_size
    dataset = build_dataset(config, clips, num_processes=processes, latents=latents)
    items = build_validation_items(config, held_out, latents=latents) if held_out else None
    session = Session(
        Path(folder),
        max_steps=config.stage.max_steps,
        save_steps=config.stage.save_steps,
        usable=Usable(config.data.skip_bad),
        recorder=_recorder(config, folder, every_clip, resume_from),
        looks=looks_of(config, held_out=bool(held_out)),
        make_watch=_watch(config, folder) if is_main_process() else None,
        resume_from=resume_from,
        num_bad=len(bad),
    )
    trainer = AnimateAnyoneTrainer(
        model=model, args=arguments, train_dataset=dataset, session=session
    )
    for callback in build_callbacks(config, trainer, clips=clips, held_out=items):
        trainer.add_callback(callback)
    return trainer


def _say_how_streams_are_shown(config: TrainConfig) -> None:
    """Warn where a stage learns streams, and what it shows of them is made in windows."""
    shows = config.stage.sample_steps or config.validation.animated
    window = config.stage.stream
    if window and shows and config.inference.mode != "stream" and is_main_process():
        log.warning(
            "this stage learns streams, but its samples and metrics are animated in windows; for "
            "streams add inference.mode=stream inference.num_inference_steps=%d "
            "inference.stream_chunk=%d inference.guidance_scale=1",
            window.steps,
            window.chunk,
        )


def _open_start(config: TrainConfig, resume_from: Path | None) -> WeightsFolder | None:
    """The weights to start from, of the model that the config describes; None starts at random."""
    from aa.weights.folders import open_folder

    level = config.hardware.sharding.level
    if level != "none" and not is_rank():
        raise UserError(
            f"hardware/sharding={level} splits over processes: "
            "use hardware.devices=2 or more, or hardware/sharding=none."
        )
    source = resume_from or config.stage.init_from
    start = open_folder(source) if source else None
    if start is not None:
        check_same_model(config.model.network(), start)
        check_reference_pose(config.stage, start)
    return start


def _arguments(config: TrainConfig, folder: str | Path) -> TrainingArguments:
    from aa.training.trainer import training_arguments

    return training_arguments(
        config.stage,
        config.hardware,
        seed=config.seed,
        num_workers=config.data.num_workers,
        output_dir=Path(folder) / CHECKPOINTS,
    )


def _recorder(
    config: TrainConfig, folder: str | Path, clips: Sequence[Clip], resume_from: Path | None
) -> Recorder | None:
    """Write the snapshot and begin the records; None in all processes but the main one."""
    from aa.build.hyper_parameters import tracked_run
    from aa.runs.records import Recorder
    from aa.runs.snapshots import write_snapshot
    from aa.runs.trackers import make_trackers

    read = _fingerprint(config, clips, resume_from)
    if not is_main_process():
        return None
    write_snapshot(folder, to_dict(config), cast("dict[str, Any]", read))
    step = (checkpoint_step(resume_from) if resume_from else None) or 0
    run, trackers = tracked_run(config, folder), make_trackers(config.trackers, folder)
    return Recorder(folder, step=step, run=run, trackers=trackers)


def _watch(config: TrainConfig, folder: str | Path) -> Callable[[Step], Watch] | None:
    """Return what makes the watch over the steps; None where nobody is to be told of them."""
    from aa.runs.told import alerts_of
    from aa.training.watch import Watch

    options = config.alerts
    alerts = alerts_of(options, name=config.name, folder=folder)
    return alerts and partial(
        Watch,
        alerts,
        folder=Path(folder),
        loss_spike=options.loss_spike,
        stall=options.stall,
        disk_gb=options.disk_gb,
    )


def _fingerprint(
    config: TrainConfig, clips: Sequence[Clip], resume_from: Path | None
) -> dict[str, Any] | None:
    """Describe what the training reads, see `fingerprint`; of several hosts each has the same.

    They also resume from the same checkpoint, as their disks show it.

    Raises:
        UserError: one of them has other files; names the first of them.
    """
    from aa.runs.differences import changed_files
    from aa.runs.fingerprints import fingerprint

    own = fingerprint(training_files(config, clips)) if is_first_of_host() else None
    if config.hardware.nodes == 1:
        return own
    from paddle.distributed import all_gather_object

    wait_for_others()  # one disk may be slower
    found = []
    last = str(resume_from and resume_from.name)
    all_gather_object(found, own and (socket.gethostname(), last, own))
    (first, checkpoint, data), *others = filter(None, found)
    for host, its_last, other in others:
        if its_last != checkpoint:
            raise UserError(
                f"{host} sees {its_last} as the last checkpoint, {first} {checkpoint}: "
                "hydra.run.dir must be on a disk that shows all hosts the same. Start again."
            )
        changed = changed_files(data["files"], other["files"])
        if changed:
            raise UserError(
                f"{host} has other data than {first}: {some(changed)}. Give all hosts the same "
                "files."
            )
    return data


def _checkpoint_to_resume(config: TrainConfig, folder: str | Path) -> Path | None:
    """The newest checkpoint of a folder that is resumed; None where training starts."""
    from aa.training.state import check_state, state_folder

    checkpoints = list_checkpoints(folder)
    begun = checkpoints or (Path(folder) / METRICS).exists()
    if not config.resume and not is_main_process():
        return None  # what is there is what the first process begins to write
    if not config.resume and begun:
        raise UserError(
            f"{folder}: holds a run already; choose another hydra.run.dir=<folder>, or go on with "
            f"it: resume={folder}."
        )
    if not checkpoints:
        return None
    if not state_folder(checkpoints[-1]).is_dir():
        raise UserError(
            f"{checkpoints[-1]}: has weights but no state to go on training from (runs under "
            f"sharding stage2 and stage3 keep none); start a new run with stage.init_from={folder}."
        )
    check_state(state_folder(checkpoints[-1]))
    return checkpoints[-1]


def training_files(config: TrainConfig, clips: Iterable[Clip]) -> list[str | Path]:
    """List the files that a training reads, also one that is resumed: its first step has read them.

    Args:
        clips: those that are used.
    """
    from aa.weights.folders import open_folder, weights_files
    from aa.weights.starts import motion_checkpoint

    data, stage = config.data, config.stage
    files = cast("list[str | Path]", [path for clip in clips for path in (clip.video, clip.pose)])
    if data.manifest:
        files.append(data.manifest)
    if data.generate:
        files.append(Path(data.generate.folder) / "puppets.json")
    start = open_folder(stage.init_from) if stage.init_from else None
    files += weights_files(start) if start else []
    default = config.model.motion_weights
    checkpoint = motion_checkpoint(stage.motion_init_from, default=default, start=start)
    files += [checkpoint] if checkpoint and stage.motion_modules else []
    return files
