"""A training run: trainer, records and checkpoints in one run folder."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from aa.errors import Interrupted
from aa.files import write_json
from aa.plain import printable
from aa.runs.best import BestCheckpoint
from aa.runs.layout import PLAN
from aa.runs.reading import read_json
from aa.runs.requests import Mailbox
from aa.runs.resume import decisive_hash, run_folder
from aa.training.callbacks import InspectCallback, ProgressBarCallback, WaitCallback
from aa.training.checkpoints import CheckpointCallback, EmaCallback
from aa.training.failures import check_finished, told_failures
from aa.training.puppet_test import PuppetValidation
from aa.training.records import LogLastCallback, RecordCallback, StepSize
from aa.training.requested import Requested
from aa.training.samples import SampleClips
from aa.training.state import load_parameters, load_records, state_folder
from aa.training.steps import AgreeCallback, FiniteCallback, Step
from aa.training.stopping import Stopper
from aa.training.trainer import AnimateAnyoneTrainer
from aa.training.usable import Usable
from aa.training.validation import ClipValidation

if TYPE_CHECKING:
    import paddle
    from paddlenlp.trainer import TrainerCallback, TrainingArguments

    from aa.config.primary import TrainConfig
    from aa.config.puppet_test import PuppetTestConfig
    from aa.config.stage import StageConfig
    from aa.data.clips import ClipDataset, ValidationItems
    from aa.data.manifest import Clip
    from aa.models.animate_anyone import AnimateAnyone
    from aa.puppets.scenes import Protocol
    from aa.runs.records import Recorder
    from aa.training.watch import Watch


class TrainingRun:
    """Trains a model and leaves metrics, samples and checkpoints behind.

    Args:
        folder: the run folder.
        model: its trainable parameters are chosen.
        clips: the clips behind the dataset; samples show the first that decodes.
        num_bad: clips omitted because they cannot be read.
        recorder: None in all processes but the main one.
        watch: makes what tells of a step that is worth an alert, or None.
        held_out: items of the clips that are held out.
        protocol: of the figures to validate on.
        resume_from: the checkpoint that the model has been loaded from.
    """

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        *,
        model: AnimateAnyone,
        dataset: ClipDataset,
        clips: Sequence[Clip],
        num_bad: int,
        arguments: TrainingArguments,
        recorder: Recorder | None,
        watch: Callable[[Step], Watch] | None = None,
        held_out: ValidationItems | None = None,
        protocol: Protocol | None = None,
        resume_from: Path | None = None,
    ) -> None:
        self.config, self.folder, self.model = config, folder, model
        self.clips, self.num_bad, self.recorder = clips, num_bad, recorder
        self.usable = Usable(config.data.skip_bad)
        self.held_out, self.protocol, self.resume_from = held_out, protocol, resume_from
        self.stopper, self.bar, step = Stopper(), ProgressBarCallback(), Step()
        self.missed: list[str] = []  # looks at the last step that are to be made up for
        mailbox = Mailbox(run_folder(folder)) if recorder is not None else None
        self.requested = Requested(mailbox, self.stopper)
        self.agree = AgreeCallback(step, self.stopper, self.requested, self._looks())
        self.watch = watch and watch(step)
        parameters = {n: p for n, p in model.named_parameters() if not p.stop_gradient}
        self.trainer = AnimateAnyoneTrainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            parameters=parameters,
            step=step,
            callbacks=self._callbacks(step, parameters, arguments, dataset),
        )

    def run(self) -> None:
        """Train; prints where checkpoints and records are.

        Raises:
            Interrupted: a signal came; the step it came in is saved.
            UserError: it stopped before its end; the message says where to resume.
        """
        start = time.perf_counter()
        told = told_failures(
            self.trainer, self.stopper, folder=self.folder, stage=self.config.stage
        )
        with told, self.stopper, closing(self.bar), self.watch or nullcontext():
            step = self._train()
        if self.recorder is not None:
            self.recorder.close()
            if step >= self.config.stage.max_steps and not self.missed:
                self._finish(step, start)
        if self.agree.stops or self.stopper.signal:
            raise Interrupted(self.stopper.signal or signal.SIGTERM)  # another process had it

    def _train(self) -> int:
        """Train; return the last step."""
        state = self.resume_from and str(state_folder(self.resume_from))
        result = self.trainer.train(resume_from_checkpoint=state)
        if not self.agree.stops:
            check_finished(result.global_step, self.config.stage.max_steps)
        self.agree.agree()  # the first process may have been saving when a signal came
        return result.global_step

    def _finish(self, steps: int, start: float) -> None:
        bad = {*self.trainer.bad_clips, *(str(clip.video) for clip in self.usable.bad)}
        summary = {
            "steps": steps,
            "last": cast("Recorder", self.recorder).last,
            "bad_clips": self.num_bad + len(bad),
            "seconds": round(time.perf_counter() - start, 3),
        }
        write_json(self.folder / "summary.json", summary)
        visualdl = Path(sys.executable).with_name("visualdl")
        print(f"run folder: {printable(self.folder)}")
        print(f"watch:      {visualdl} --logdir {printable(self.folder / 'vdl')}")

    def _callbacks(
        self,
        step: Step,
        parameters: dict[str, paddle.Tensor],
        arguments: TrainingArguments,
        dataset: ClipDataset,
    ) -> list[TrainerCallback]:
        stage, trained = self.config.stage, list(parameters.values())
        ema = EmaCallback(trained, stage.ema_decay) if stage.ema_decay else None
        if self.resume_from:  # the average is of the weights as they were loaded
            load_parameters(state_folder(self.resume_from), parameters)
        record = self._record(step, stage, arguments)
        finite = FiniteCallback(
            step,
            trained,
            describe=lambda k: str(dataset.clip(k).video),
            file=self.folder / "nonfinite.jsonl",
            skip=stage.skip_nonfinite,
        )
        checkpoints = CheckpointCallback(
            self.model,
            parameters,
            self.folder / "checkpoints",
            save_steps=stage.save_steps,
            save_total_limit=stage.save_total_limit,
            config=decisive_hash(self.config),
            record=record,
            last=self.resume_from,
            ema=ema,
            gather=self._gather if "stage3" in self.config.hardware.sharding.level else None,
            best=self._best(),
            requested=self.requested,
        )
        callbacks = cast("list[TrainerCallback]", [self.agree, finite, *([ema] if ema else [])])
        looks = self._looks()
        wait = WaitCallback([(every, at_end) for _, every, at_end in looks.values()], self.agree)
        if record is None:
            return [*callbacks, LogLastCallback(), wait, checkpoints]
        callbacks += [record, *([self.watch] if self.watch else []), LogLastCallback(), self.bar]
        for name, (make, every, at_end) in looks.items():
            inspect = InspectCallback(
                name,
                make(),
                self.model,
                every=every,
                at_end=at_end,
                ema=ema,
                stopper=self.stopper,
                missed=record.missed,
                requested=self.requested,
            )
            callbacks.append(inspect)
        rest = [self.watch.rest] if self.watch else []
        return [*callbacks, wait, checkpoints, record.clock, *rest]

    def _looks(self) -> dict[str, tuple[Any, int, bool]]:
        """{name: (maker of its function, every so many steps, at the last one too)}."""
        stage, found = self.config.stage, {}
        if stage.sample_steps:
            found["sample"] = self._sampler, stage.sample_steps, False
        if self.protocol:
            found["figures"] = (
                self._figures,
                cast("PuppetTestConfig", self.config.test).validation_steps,
                False,
            )
        if self.held_out:
            found["clips"] = self._clips, self.config.validation.steps, True
        return found

    def _record(
        self, step: Step, stage: StageConfig, arguments: TrainingArguments
    ) -> RecordCallback | None:
        if self.recorder is None:
            return None
        per_step = stage.per_device_batch_size * stage.gradient_accumulation_steps
        size = self._step_size(per_step * arguments.dataset_world_size)
        record = RecordCallback(self.recorder, step, size)
        self.missed = record.missed
        if self.resume_from:
            record.load(load_records(state_folder(self.resume_from)))
        return record

    def _step_size(self, samples: int) -> StepSize:
        data, stride = self.config.data, self.config.model.vae.stride
        frames = samples * self.config.stage.num_frames
        tokens = frames * (data.height // stride) * (data.width // stride)
        plan, peak, share = self.folder / PLAN, self.config.hardware.peak_flops, None
        if plan.exists() and peak:
            share = read_json(plan)["model_tflop"] * 1e12 / peak
        return StepSize(samples, frames, tokens, share)

    def _sampler(self) -> SampleClips:
        return SampleClips(
            self.model,
            self.clips,
            self.config.inference,
            self.folder / "samples",
            cast("Recorder", self.recorder),
            self._precision,
            self.usable,
        )

    def _figures(self) -> PuppetValidation:
        return PuppetValidation(
            self.model,
            self.config.inference,
            cast("Protocol", self.protocol),
            cast("Recorder", self.recorder),
            self._precision,
        )

    def _clips(self) -> ClipValidation:
        return ClipValidation(
            self.model,
            cast("ValidationItems", self.held_out),
            metrics=self.config.validation.metrics,
            options=self.config.inference,
            recorder=cast("Recorder", self.recorder),
            precision=self._precision,
            usable=self.usable,
        )

    def _precision(self) -> Any:
        return self.trainer.autocast_smart_context_manager()

    def _best(self) -> BestCheckpoint | None:
        options = self.config.validation
        if not self.held_out or options.keep_best is None:
            return None
        return BestCheckpoint(self.folder, options.keep_best, options.steps)

    def _gather(self) -> None:
        """Sharding stage 3 keeps slices of the weights: collect them, in all processes at once."""
        self.trainer.model_wrapped.get_all_parameters(convert2cpu=True)
