"""Our plugins in the one package that Hydra takes them from: a launcher on Slurm, a sweeper."""

from contextlib import suppress

with suppress(ModuleNotFoundError):  # without the extra `sweep` there is none
    from hydra_plugins.aa_slurm._launcher import SlurmLauncher, choose

    __all__ = ["SlurmLauncher", "choose"]
