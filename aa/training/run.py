"""A training run: trainer, records and checkpoints in one run folder."""

import logging
import time

import numpy as np

from aa.data.poses import PoseVideo
from aa.data.transforms import fit_frames
from aa.data.writers import open_writer
from aa.inference.pipeline import Pose2VideoPipeline
from aa.runs import write_json
from aa.training.callbacks import (
    CheckpointCallback,
    EmaCallback,
    ProgressBarCallback,
    RecordCallback,
    SampleCallback,
)
from aa.training.trainer import AnimateAnyoneTrainer

log = logging.getLogger(__name__)


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
    """

    def __init__(self, config, folder, *, model, dataset, clips, num_bad, arguments, recorder):
        self.config, self.folder, self.model = config, folder, model
        self.clip, self.num_bad, self.recorder = clips[0], num_bad, recorder
        parameters = [p for p in model.parameters() if not p.stop_gradient]
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
        result = self.trainer.train()
        if self.recorder is None:
            return
        self.recorder.close()
        summary = {
            "steps": result.global_step,
            "mean_loss": result.training_loss,
            "last": self.recorder.last,
            "bad_clips": self.num_bad,
            "seconds": round(time.perf_counter() - start, 3),
        }
        write_json(self.folder / "summary.json", summary)
        print(f"run folder: {self.folder}\nwatch:      visualdl --logdir {self.folder / 'vdl'}")

    def _callbacks(self, stage, parameters, arguments):
        ema = [EmaCallback(parameters, stage.ema_decay)] if stage.ema_decay else []
        if self.recorder is None:
            return ema
        per_step = stage.per_device_batch_size * stage.gradient_accumulation_steps
        callbacks = [
            *ema,
            RecordCallback(self.recorder, parameters, per_step * arguments.dataset_world_size),
            ProgressBarCallback(),
        ]
        if stage.sample_steps:
            callbacks.append(SampleCallback(self.sample, self.model, stage.sample_steps))
        checkpoints = CheckpointCallback(
            self.model,
            self.folder / "checkpoints",
            save_steps=stage.save_steps,
            save_total_limit=stage.save_total_limit,
            ema=ema[0] if ema else None,
        )
        return [*callbacks, checkpoints]

    def sample(self, step):
        """Animate the first frame of the first clip with its poses: reference | pose | result."""
        options, size = self.config.inference, (self.config.data.height, self.config.data.width)
        truth = PoseVideo(self.clip.video)
        poses = PoseVideo(self.clip.pose, min(options.num_frames, len(truth)))
        from PIL import Image

        with self.trainer.autocast_smart_context_manager():
            frames = Pose2VideoPipeline(self.model)(
                Image.fromarray(truth[:1][0]),
                poses,
                height=size[0],
                width=size[1],
                num_inference_steps=options.num_inference_steps,
                guidance_scale=options.guidance_scale,
                context_frames=options.context_frames,
                context_overlap=options.context_overlap,
                context_stride=options.context_stride,
                closed_loop=options.closed_loop,
                fit=self.config.data.fit,
                seed=options.seed,
            ).videos[0]
        result = np.round(frames.transpose(1, 2, 3, 0) * 255).astype(np.uint8)
        count = len(result)
        fitted = [fit_frames(v[:count], size, fit=self.config.data.fit) for v in (truth, poses)]
        reference = np.repeat(fitted[0][:1], count, 0)
        strip = np.concatenate([reference, fitted[1], result, fitted[0]], axis=2)
        target = self.folder / "samples" / f"step-{step:06d}" / "reference_pose_result_truth.mp4"
        target.parent.mkdir(parents=True, exist_ok=True)
        writer = open_writer(
            target, format="mp4", fps=truth.reader.fps, height=size[0], width=strip.shape[2]
        )
        with writer:
            writer.write(strip)
        rows = strip[np.linspace(0, count - 1, min(4, count)).astype(int)]
        self.recorder.image("sample/reference_pose_result_truth", np.concatenate(rows), step)
