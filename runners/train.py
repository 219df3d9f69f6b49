"""Train one stage: `python runners/train.py stage=2 hardware=v100`."""

from aa.interrupts import listen

listen()  # to a signal while the rest is imported, too

import hydra
from omegaconf import DictConfig

from aa import cli
from aa.build.data import generate_clips
from aa.cli.launch import launch
from aa.cli.plan import check_memory
from aa.config.primary import TrainConfig
from aa.processes import is_main_process, is_run_command, wants_group
from aa.runs.rerun_check import check_rerun
from aa.runs.resume import repair


@hydra.main(version_base="1.3", config_path="../conf", config_name="train")
@cli.task
def main(config: DictConfig) -> None:
    checked, folder = cli.begin(config)
    node_rank = checked.hardware.node_rank
    if checked.resume and is_run_command(node_rank):
        repair(checked.resume)
    check_memory(checked, folder)
    if wants_group(checked.hardware):
        if checked.data.generate and is_main_process(node_rank):
            generate_clips(checked)  # once, not in every process
        launch(checked, folder, full_error=cli.FULL_ERROR)  # each comes back here
    else:
        from aa.build.recipe import run_recipe  # deferred: pulls in paddle and ppdiffusers

        run_recipe(checked, folder)
    check_rerun(checked, folder, node_rank=node_rank)


if __name__ == "__main__":
    cli.run(main, TrainConfig)
