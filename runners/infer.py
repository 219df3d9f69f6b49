"""Animate: `python runners/infer.py weights=<folder> reference=<image> pose=<video>`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

from pathlib import Path

import hydra

from aa import cli
from aa.config.primary import InferConfig


@hydra.main(version_base="1.3", config_path="../conf", config_name="infer")
@cli.task(InferConfig)  # checks, resume, rerun
def main(config: InferConfig, folder: Path) -> None:
    from aa.build.inference import build_inference, build_pipeline  # deferred: pulls in paddle

    run = build_inference(config, folder)  # the cases: pairs of an image and a pose video
    cases = run.check()  # poses of raw videos are made here
    if config.poses_only:
        run.stop_at_poses()
    else:
        run.animate(build_pipeline(config) if cases else None)


if __name__ == "__main__":
    cli.run(main)
