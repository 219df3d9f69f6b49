"""A training run: trainer, records and checkpoints in one run folder."""

import sys
import time
from pathlib import Path

from aa.runs import write_json
from aa.training.callbacks import (
    InspectCallback,
    LogLastCallback,
    ProgressBarCallback,
    RecordCallback,
)
from aa.training.checkpoints import CheckpointCallback, EmaCallback
from aa.training.puppet_test import Validation
from aa.training.samples import Sampler
from aa.training.state import load_parameters, state_folder
from aa.training.trainer import AnimateAnyoneTrainer


class TrainingRun:
    """Trains a model and leaves metrics, samples and checkpoints behind.

    Args:
        config: a checked `TrainConfig`.
        folder: the run folder.
        model: the `AnimateAnyone`, its trainable parameters chosen.
        dataset: the `ClipDataset`.
        clips: the clips behind it; samples show the first.
        num_bad: clips left out because they cannot be read.
        arguments: paddlenlp's TrainingArguments.
        recorder: a `runs.Recorder` in the main process, None in the others.
        protocol: a `Protocol` of the figures to validate on, or None.
        resume_from: the checkpoint to go on from, or None.
    """

    def __init__(
        self,
        config,
        folder,
        *,
        model,
        dataset,
        clips,
        num_bad,
        arguments,
        recorder,
        protocol=None,
        resume_from=None,
    ):
        self.config, self.folder, self.model = config, folder, model
        self.clip, self.num_bad, self.recorder = clips[0], num_bad, recorder
        self.protocol, self.resume_from = protocol, resume_from
        parameters = {n: p for n, p in model.named_parameters() if not p.stop_gradient}
        self.trainer = AnimateAnyoneTrainer(
            model=model,
            args=arguments,
            train_dataset=dataset,
            parameters=parameters,
            callbacks=self._callbacks(config.stage, parameters, arguments),
        )

    def run(self):
        """Train; prints where checkpoints and records are."""
        start = time.perf_counter()
        state = self.resume_from and str(state_folder(self.resume_from))
        result = self.trainer.train(resume_from_checkpoint=state)
        if self.recorder is None:
            return
        self.recorder.close()
        summary = {
            "steps": result.global_step,
            "mean_loss": result.training_loss,
            "last": self.recorder.last,
            "bad_clips": self.num_bad + len(self.trainer.bad_clips),
            "seconds": round(time.perf_counter() - start, 3),
        }
        write_json(self.folder / "summary.json", summary)
        visualdl = Path(sys.executable).with_name("visualdl")
        print(f"run folder: {self.folder}\nwatch:      {visualdl} --logdir {self.folder / 'vdl'}")

    def _callbacks(self, stage, parameters, arguments):
        trained = list(parameters.values())
        ema = EmaCallback(trained, stage.ema_decay) if stage.ema_decay else None
        if self.resume_from:
            load_parameters(state_folder(self.resume_from), parameters, ema)
        checkpoints = CheckpointCallback(
            self.model,
            parameters,
            self.folder / "checkpoints",
            save_steps=stage.save_steps,
            save_total_limit=stage.save_total_limit,
            ema=ema,
            gather=self._gather if "stage3" in self.config.hardware.sharding.level else None,
        )
        if self.recorder is None:
            return [*([ema] if ema else []), LogLastCallback(), checkpoints]
        per_step = stage.per_device_batch_size * stage.gradient_accumulation_steps
        record = RecordCallback(self.recorder, trained, per_step * arguments.dataset_world_size)
        callbacks = [*([ema] if ema else []), record, LogLastCallback(), ProgressBarCallback()]
        if stage.sample_steps:
            callbacks.append(InspectCallback(self._sampler(), self.model, stage.sample_steps, ema))
        if self.protocol:
            every = self.config.test.validation_steps
            callbacks.append(InspectCallback(self._validation(), self.model, every, ema))
        return [*callbacks, checkpoints, record.clock]

    def _sampler(self):
        return Sampler(
            self.model,
            self.clip,
            self.config.inference,
            self.folder / "samples",
            self.recorder,
            lambda: self.trainer.autocast_smart_context_manager(),
        )

    def _validation(self):
        return Validation(
            self.model,
            self.config.inference,
            self.protocol,
            self.recorder,
            lambda: self.trainer.autocast_smart_context_manager(),
        )

    def _gather(self):
        """Sharding stage 3 keeps slices of the weights: collect them, in all processes at once."""
        self.trainer.model_wrapped.get_all_parameters(convert2cpu=True)
