"""`plan=true` or `plan=max` on the command line of a training: counts, and starts nothing."""

import os

from omegaconf import OmegaConf

from aa.arguments import normalise_overrides
from aa.config import HardwareConfig, TrainConfig, to_config, typed
from aa.errors import UserError
from aa.launch import is_rank, wants_group
from aa.machine import prepare_paddle
from aa.recorded import compose, given_options, split_options

KEY, VALUES = "plan=", ("true", "max")


def asked(arguments):
    """The value of `plan=` among arguments, None where there is none."""
    values = [a.removeprefix(KEY).lower() for a in arguments if a.startswith(KEY)]
    return values[-1] if values and values[-1] not in ("null", "false") else None


def run_plan(arguments, *, runner):
    """Print what the training of a command needs. Whether it fits.

    Raises:
        UserError: the command makes no config, or is one of several trainings.
    """
    value = asked(arguments)
    if value not in VALUES:
        raise UserError(f"plan must be {' or '.join(VALUES)}, got {value}.")
    words, overrides = split_options(arguments)
    if any(word in ("-m", "--multirun") for word in words):
        raise UserError("plan counts one training: leave out -m.")
    overrides = [o for o in normalise_overrides(overrides) if not o.startswith(KEY)]
    values = compose(given_options(words), overrides, TrainConfig, runner)
    if values["stage"]["init_from"] == "???":  # where it starts from takes no memory
        values["stage"]["init_from"] = None
    config = to_config(typed(OmegaConf.create(values), TrainConfig))
    os.environ.setdefault("GLOG_minloglevel", "2")  # Paddle warns of what it traces
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.plan.report import show  # deferred: pulls in paddle

    return show(config, search=value == "max")


def check_memory(config):
    """Refuse a training on GPUs whose memory is known and does not do, before its first step.

    Raises:
        UserError: says with which changes it fits.
    """
    hardware = config.hardware
    if hardware.device != "gpu" or hardware.memory_gb is None or is_rank():
        return
    if wants_group(hardware):  # the processes to come import paddle, this one has not
        prepare_paddle(HardwareConfig(device="cpu"))
    from aa.plan.report import check_fits  # deferred: pulls in paddle

    check_fits(config)
