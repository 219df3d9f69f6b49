"""Ray, started before its launcher would start it."""

from collections.abc import Mapping
from typing import Any

from omegaconf import DictConfig, OmegaConf

from aa.errors import UserError

RAY = "RayLauncher"
STORE = 78_643_200  # bytes, the least that Ray takes: jobs hand nothing over; the launcher's too


def ray_options(launcher: DictConfig) -> dict[str, Any]:
    """Options that `hydra.launcher.ray.init` requests."""
    given: Any = OmegaConf.to_container(launcher.ray.init, resolve=True)
    return {"object_store_memory": STORE, **given}


def start_ray(
    options: Mapping[str, Any],
    *,
    key: str = "hydra/launcher=ray",
    otherwise: str = "hydra/launcher=joblib",
) -> None:
    """Start Ray, which the launcher of the jobs then finds running.

    When it starts, Ray puts a handler of SIGTERM in the place of the one there is, which would end
    the jobs amid their steps. So it has to start first.

    Args:
        options: of `ray.init`.
        key, otherwise: what requests Ray, and what does without it.

    Raises:
        UserError: it is not installed, or does not start.
    """
    try:
        import ray  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise UserError(f"{key} needs Ray: pip install -e '.[ray]', or use {otherwise}.") from error
    if not ray.is_initialized():
        ray.init(**options)
