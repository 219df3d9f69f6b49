"""The only reader of whole configs, with `build_data`: from a checked config to a run."""

import logging
import socket
import sys
from pathlib import Path

from aa.build_data import (
    build_clips,
    build_dataset,
    build_latents,
    build_protocol,
    build_validation_items,
    check_metrics,
    hold_out_clips,
)
from aa.config import to_dict
from aa.differences import flat
from aa.errors import UserError, some
from aa.processes import is_first_of_host, is_main_process, is_rank, wait_for_others
from aa.runs.layout import STAGES

log = logging.getLogger(__name__)


def build_training(config, folder):
    """A `TrainingRun` of a checked `TrainConfig`.

    Raises:
        UserError: data, weights or machine are not what the config says.
    """
    from aa.hyper_parameters import hyper_parameters, metric_tags, task_overrides
    from aa.runs.records import Recorder
    from aa.snapshots import write_snapshot
    from aa.training.run import TrainingRun
    from aa.training.trainer import training_arguments
    from aa.weights.folders import checkpoint_step, open_folder

    stage, data, hardware = config.stage, config.data, config.hardware
    resume_from = _checkpoint_to_resume(config, folder)
    if hardware.sharding.level != "none" and not is_rank():
        raise UserError(
            f"hardware/sharding={hardware.sharding.level} splits over processes: "
            "use hardware.devices=2 or more, or hardware/sharding=none."
        )
    start = open_folder(resume_from or stage.init_from) if resume_from or stage.init_from else None
    if start is not None:
        check_same_model(config.model.network(), start)
    every_clip, bad = build_clips(config)
    clips, held_out = hold_out_clips(config, every_clip)
    check_metrics(config, held_out)
    arguments = training_arguments(
        stage,
        hardware,
        seed=config.seed,
        num_workers=data.num_workers,
        output_dir=Path(folder) / "checkpoints",
    )
    model = _build_model(config, start, resumed=resume_from is not None)
    latents = build_latents(config, model, every_clip) if data.latents else None
    processes = arguments.dataset_world_size
    dataset = build_dataset(config, clips, num_processes=processes, latents=latents)
    items = build_validation_items(config, held_out, latents=latents) if held_out else None
    recorder = None
    read = _fingerprint(config, every_clip, resume_from)
    if is_main_process():
        write_snapshot(folder, config, read)
        recorder = Recorder(folder, step=checkpoint_step(resume_from) if resume_from else 0)
        recorder.describe(hyper_parameters(config, task_overrides()), metric_tags(config))
    return TrainingRun(
        config,
        Path(folder),
        model=model,
        dataset=dataset,
        clips=clips,
        num_bad=len(bad),
        arguments=arguments,
        recorder=recorder,
        held_out=items,
        protocol=build_protocol(config, "validation") if config.test else None,
        resume_from=resume_from,
    )


def _fingerprint(config, clips, resume_from):
    """What the training reads, see `fingerprint`; of several hosts each has read the same.

    They also go on from the same checkpoint, as their disks show it.

    Raises:
        UserError: one of them has other files; names the first of them.
    """
    from aa.differences import changed_files
    from aa.fingerprints import fingerprint, training_files

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
                f"hydra.run.dir must be on a disk that shows all hosts the same. Start again."
            )
        changed = changed_files(data["files"], other["files"])
        if changed:
            raise UserError(
                f"{host} has other data than {first}: {some(changed)}. Give all hosts the same "
                "files."
            )
    return data


def _checkpoint_to_resume(config, folder):
    """The newest checkpoint of a folder that is gone on with; None where training starts."""
    from aa.training.state import check_state, state_folder
    from aa.weights.folders import list_checkpoints

    checkpoints = list_checkpoints(folder)
    begun = checkpoints or (Path(folder) / "metrics.jsonl").exists()
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


def build_puppet_test(config, folder):
    """A `PuppetTest` of a `TrainConfig` whose stages have been trained into the run folder."""
    from aa.training.puppet_test import PuppetTest

    folder = Path(folder)
    # Without what only says where this run is: it would be refused a second time.
    given = [a for a in sys.argv[1:] if not a.lstrip("+").startswith(("hydra.", "resume", "rerun"))]
    stages = {f"stage {n}": folder / name for n, name in enumerate(STAGES, 1)}
    return PuppetTest(
        config,
        folder,
        build_protocol(config, "test"),
        stages if config.next_stage else {config.name: folder},
        " ".join(["python", "runners/train.py", *given]),
    )


def check_same_model(wanted, folder):
    """The sizes of the weights and of the config must agree.

    Raises:
        UserError: names the first keys that differ.
    """
    ours, theirs = (flat(to_dict(m)) for m in (wanted, folder.model))
    skipped = ("noise_schedule.", "motion_max_frames")  # no weight depends on them
    differ = [k for k in ours if ours[k] != theirs[k] and not k.startswith(skipped)]
    if differ:
        listed = "; ".join(f"model.{k} is {ours[k]}, the weights' {theirs[k]}" for k in differ[:5])
        raise UserError(
            f"{folder.path}: weights of another model: {listed}. Choose model=<theirs>."
        )


def _build_model(config, start, *, resumed):
    import paddle

    from aa.models.animate_anyone import AnimateAnyone
    from aa.training.trainable import set_trainable

    stage = config.stage
    paddle.seed(config.seed)
    model = AnimateAnyone(
        config.model.network(),
        motion_modules=stage.motion_modules,
        recompute=config.hardware.recompute,
        snr_gamma=stage.snr_gamma,
        temporal_weight=stage.temporal_weight,
    )
    _initialise(model, config, start, resumed=resumed)
    names = set_trainable(model, stage.trainable)
    log.info("%d parameters train, %s", len(names), _count(model))
    return model


def _initialise(model, config, start, *, resumed):
    from aa.weights.folders import Source
    from aa.weights.loading import load_state
    from aa.weights.models import load_weights, read_component
    from aa.weights.starts import motion_checkpoint
    from aa.weights.tables import START_OPTIONAL

    if resumed:
        load_weights(model, start)
        return
    chosen, default = config.stage.motion_init_from, config.model.motion_weights
    checkpoint = motion_checkpoint(chosen, default=default, start=start)
    motion = checkpoint if model.has_motion else None
    skip = ("motion_module",) if motion or not model.has_motion else ()
    if start is not None:
        load_weights(model, start, optional=START_OPTIONAL, skip=skip)
        for name in START_OPTIONAL:
            if name not in (*start.sources, *skip):
                log.info("%s: %s has none, it starts new", name, start.path)
    if motion:
        state = read_component("motion_module", Source(Path(motion)))
        load_state("motion_module", model.denoising_unet, state, source=motion)
        log.info("motion_module: from %s", motion)
    elif chosen and model.has_motion:
        log.info("motion_module: those that %s has trained", start.path)


def _count(model):
    trained = sum(p.size for p in model.parameters() if not p.stop_gradient)
    total = sum(p.size for p in model.parameters())
    return f"{trained / 1e6:.1f} M of {total / 1e6:.1f} M numbers"


def build_inference(config, folder):
    """An `InferenceRun` of a checked `InferConfig`.

    Raises:
        UserError: a case or the weights cannot be read.
    """
    from aa.cases import cases_of
    from aa.inference import Pose2VideoPipeline
    from aa.inference.run import InferenceRun

    cases = cases_of(config)

    def load_pipeline():
        return Pose2VideoPipeline.from_pretrained(
            config.weights,
            engine=config.inference.engine,
            precision=config.precision,
            cache_dir=config.inference.cache_dir,
            num_threads=config.hardware.num_threads or None,
        )

    return InferenceRun(config, Path(folder), cases, load_pipeline)
