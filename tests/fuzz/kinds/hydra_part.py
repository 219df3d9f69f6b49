"""Composes what a recorded run asks for, and looks whether Hydra would run anything of it."""

from hydra.core.config_store import ConfigStore
from hydra.types import RunMode
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from tests.fuzz.kind import SECRET, BrokenError
from tests.fuzz.kinds.run_folder import RUNNER

OUTPUT = "the_run_folder"
CLASSES = ("logging.StreamHandler", "logging.FileHandler", "logging.NullHandler")
STREAMS = ("ext://sys.stdout", "ext://sys.stderr")


def check_arguments(arguments, *, sweep=False):
    """Compose arguments as a runner would.

    Args:
        arguments: options first.
        sweep: whether they are those of a sweep.

    Raises:
        UserError: they make no config.
        BrokenError: Hydra would call, import or set something foreign, or a value is a secret one.
    """
    from aa.cli.recorded import composed, given_options, split_options
    from aa.cli.resolvers import make_folder, register_resolvers
    from aa.config.convert import typed, without_hydra
    from aa.config.overrides import normalise_overrides
    from aa.config.primary import TrainConfig

    register_resolvers(make_folder)
    words, overrides = split_options(arguments)
    mode = RunMode.MULTIRUN if sweep else RunMode.RUN
    every = given_options(words), normalise_overrides(overrides), TrainConfig, RUNNER
    with composed(*every, mode=mode) as config:
        whole = typed(without_hydra(config), TrainConfig)
        job = OmegaConf.to_container(whole, resolve=True) if not sweep else {}
        OmegaConf.set_readonly(config.hydra, False)
        OmegaConf.set_struct(config.hydra, False)
        config.hydra.runtime.output_dir = OUTPUT
        hydra = dict(_leaves(config.hydra))
    _check_values(job, hydra)
    for path, value in hydra.items():
        _check_leaf(path, value)


def _check_values(job, hydra):
    if SECRET in repr(job):
        raise BrokenError("text", "the composed config holds the secret")
    told = [".".join(map(str, path)) for path, value in hydra.items() if SECRET in repr(value)]
    if told:
        raise BrokenError("text", f"the composed hydra.{told[0]} holds the secret")


def _check_leaf(path, value):
    """Refuse what makes Hydra, or Python's logging, call something that nobody here has chosen."""
    name, last = ".".join(map(str, path)), path[-1]
    in_logging = path[0] in ("job_logging", "hydra_logging")
    if last == "_target_" and value not in _known_targets():
        raise BrokenError("call", f"Hydra would call hydra.{name}={value}")
    if in_logging and (last == "()" or (last == "class" and value not in CLASSES)):
        raise BrokenError("call", f"logging would call hydra.{name}={value}")
    if in_logging and str(value).startswith(("ext://", "cfg://")) and value not in STREAMS:
        raise BrokenError("call", f"logging would import hydra.{name}={value}")
    if in_logging and last == "filename" and not _is_inside(value):
        raise BrokenError("write", f"logging would write hydra.{name}={value}")
    if path[:2] == ("job", "env_set"):
        raise BrokenError("call", f"Hydra would set the environment's {last}")


def _is_inside(value):
    return str(value).startswith(f"{OUTPUT}/") and ".." not in str(value).split("/")


def _leaves(node, path=()):
    """((key, key, ...), value) of all that can be resolved without a run."""
    keys = node.keys() if isinstance(node, DictConfig) else range(len(node))
    for key in keys:
        try:
            value = node[key]
        except OmegaConfBaseException:  # missing until a run begins, or an error that is told then
            continue
        if isinstance(value, DictConfig | ListConfig):
            yield from _leaves(value, (*path, key))
        elif value is not None and (*path, key) != ("sweep", "subdir"):
            yield (*path, key), value


def _known_targets():
    """The `_target_`s of Hydra itself and of the plugins that are installed."""
    found, waiting = set(), [ConfigStore.instance().repo]
    while waiting:
        entry = waiting.pop()
        if isinstance(entry, dict):
            waiting += entry.values()
        elif isinstance(entry.node, DictConfig):
            found |= {v for path, v in _leaves(entry.node) if path[-1] == "_target_"}
    return found
