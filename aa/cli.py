"""What both runners share: arguments, one-line errors, the start of a run. Imports no paddle."""

import contextlib
import functools
import io
import logging
import os
import re
import sys
from pathlib import Path

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException

from aa.config import InferConfig, TrainConfig, one_line, to_config
from aa.errors import UserError

log = logging.getLogger(__name__)

USER_ERROR = 2
FULL_ERROR = os.environ.get("HYDRA_FULL_ERROR") == "1"  # the user's wish, before `run` sets it


def register_schemas():
    """Make the dataclasses known to Hydra under the names that the primary configs use."""
    store = ConfigStore.instance()
    store.store(name="train_schema", node=TrainConfig)
    store.store(name="infer_schema", node=InferConfig)
    OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)


def _folder_name(overrides):
    """Overrides as one folder name: no slashes, at most 120 characters."""
    return re.sub(r"[^\w.,=+-]+", "_", overrides)[:120]


def normalise_overrides(arguments):
    """Quote the numbers of `stage=2` and `stage=1,2`, which Hydra refuses for a config group."""
    normalised = []
    for argument in arguments:
        match = re.fullmatch(r"(\+{0,2}stage=)(\d+(?:,\d+)*)", argument)
        if match:
            numbers = ",".join(f"'{number}'" for number in match[2].split(","))
            argument = match[1] + numbers
        normalised.append(argument)
    return normalised


def run(main):
    """Run a `hydra.main` function: a `UserError` is one line and exit code 2.

    With HYDRA_FULL_ERROR=1 in the environment the whole traceback is shown instead.
    """
    register_schemas()
    sys.argv[1:] = normalise_overrides(sys.argv[1:])
    os.environ["HYDRA_FULL_ERROR"] = "1"  # makes Hydra raise here what it would print itself
    try:
        main()
    except (UserError, HydraException, OmegaConfBaseException, PermissionError) as error:
        if FULL_ERROR:
            raise
        print(f"error: {_message(error)}", file=sys.stderr)
        sys.exit(USER_ERROR)


def task(function):
    """Decorator below `hydra.main`: what stops a run is in its log, and one line for the user."""

    @functools.wraps(function)
    def wrapped(config):
        try:
            return function(config)
        except UserError as error:
            if FULL_ERROR or HydraConfig.get().mode == RunMode.MULTIRUN:
                raise
            log.error("%s", _message(error))
            raise SystemExit(USER_ERROR) from error

    return wrapped


def _message(error):
    """One line for the user, Hydra's own words made plain."""
    while not isinstance(error, UserError) and isinstance(error.__cause__, Exception):
        error = error.__cause__
    text = str(error)
    if isinstance(error, UserError):
        return " ".join(text.split())
    if isinstance(error, PermissionError):
        return f"{error.filename}: no permission to write there; choose hydra.run.dir=<folder>."
    unknown = re.search(r"Key '(\w+)' is not in struct\s+full_key: ([\w.]+)", text)
    unknown = unknown or re.search(r"Key '(\w+)' not in '\w+'\s+full_key: ([\w.]+)", text)
    if unknown:
        return f"{unknown[2]}: no such key. `--cfg job` shows all keys."
    option = re.search(r"Could not find '([\w/]+)/([^'/]+)'\s+Available options in '[^']*':(.*)", text, re.S)
    if option:
        options = ", ".join(option[3].split("\nConfig search path")[0].split())
        return f"{option[1]}={option[2]}: no such option; there are {options}."
    key = re.search(r"full_key: ([\w.]+)", text)
    first = one_line(error)
    return f"{key[1]}: {first}" if key and key[1] not in first else first


def begin(config):
    """Check a composed config and show it.

    Returns:
        the config as its dataclass, and the run folder.

    Raises:
        UserError: a value is missing or impossible, or the machine is not the one asked for.
    """
    checked = to_config(config)
    folder = Path(HydraConfig.get().runtime.output_dir)
    check_device(checked.hardware)
    if is_main_process():
        print_tree(config)
    prepare_paddle(checked.hardware)
    return checked, folder


def is_main_process():
    """Whether this process is the only one, or the first of a launched group."""
    return os.environ.get("PADDLE_TRAINER_ID", "0") == "0"


def check_device(hardware):
    """A GPU is asked for and none is here: say so before paddle loads."""
    if hardware.device == "gpu" and not _has_gpu():
        raise UserError(
            "hardware: this group asks for a GPU and this machine shows none (no NVIDIA driver); "
            "use hardware=cpu."
        )


def _has_gpu():
    return Path("/proc/driver/nvidia/version").exists() or Path("/dev/nvidia0").exists()


def print_tree(config):
    """The composed values as a tree on stdout."""
    from rich import print as show
    from rich.tree import Tree

    def grow(branch, node):
        for key, value in node.items():
            if isinstance(value, dict):
                grow(branch.add(f"[bold]{key}"), value)
            else:
                branch.add(f"{key}: {value}".replace("[", "\\["))

    tree = Tree("[bold]config")
    grow(tree, OmegaConf.to_container(config, resolve=True))
    show(tree)


def thread_settings(hardware):
    """Environment that paddle must see when it is imported, for this machine's CPU."""
    threads = hardware.num_threads or max(1, (os.cpu_count() or 1) // hardware.devices)
    settings = {"OMP_NUM_THREADS": str(threads), "FLAGS_paddle_num_threads": str(threads)}
    if "AuthenticAMD" in _cpu_info():
        settings["MKL_DEBUG_CPU_TYPE"] = "5"  # paddle's MKL leaves AVX2 unused on AMD otherwise
    return settings


def _cpu_info():
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def prepare_paddle(hardware):
    """Set the CPU up and import paddle and its libraries without their start-up chatter."""
    settings = thread_settings(hardware)
    for key, value in settings.items():
        os.environ.setdefault(key, value)
    log.info("CPU: %s", " ".join(f"{key}={os.environ[key]}" for key in settings))
    noise = io.StringIO()
    try:
        with contextlib.redirect_stderr(noise), contextlib.redirect_stdout(noise):
            import paddle
            import paddlenlp.utils.log
            import ppdiffusers  # noqa: F401
    except ImportError as error:
        raise UserError(f"paddle cannot be imported ({error}); run `make setup`.") from error
    paddlenlp.utils.log.logger.set_level("WARNING")
    if hardware.device == "gpu" and not paddle.is_compiled_with_cuda():
        raise UserError(
            "hardware: this group asks for a GPU, but the installed paddlepaddle is the CPU build; "
            "install paddlepaddle-gpu (see README) or use hardware=cpu."
        )
