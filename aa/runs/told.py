"""The alerts that a config asks for, and the end of a run told by them."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from aa.config.alerts import AlertsConfig
from aa.runs.alerts import FAILED, FINISHED, Alerts
from aa.runs.metrics import USUAL, job_metrics

UNITS = (("h", 3600), ("min", 60), ("s", 1))


def alerts_of(options: AlertsConfig, *, name: str, folder: str | Path) -> Alerts | None:
    """The alerts of a run; None where nobody is to be told.

    Args:
        options: checked.
        name, folder: of the run.
    """
    if not options.wanted:
        return None
    return Alerts(options.url, options.command, per_hour=options.per_hour, name=name, folder=folder)


def tell_end(
    config: DictConfig | None, folder: str | Path, *, error: str | None, seconds: float
) -> None:
    """Tell how a run has ended by itself; nothing of that can fail it.

    Args:
        config: its own, with its schema; None where it came to none.
        folder: the run folder.
        error: what made it fail, in one line; None if nothing did.
        seconds: that it took.
    """
    with suppress(Exception):  # of a config that is wrong, the run has told on the screen
        if config is None or (given := OmegaConf.select(config, "alerts")) is None:
            return
        options: Any = OmegaConf.to_object(given)
        alerts = alerts_of(options, name=str(config.name), folder=folder)
        if alerts is not None:
            with alerts:
                _tell(alerts, folder, error, seconds)


def _tell(alerts: Alerts, folder: str | Path, error: str | None, seconds: float) -> None:
    after, facts = f"after {_spelled(seconds)}", {"seconds": round(seconds, 3)}
    if error:
        alerts.tell(FAILED, f"failed {after}: {error}", **facts)
        return
    best = _best(folder)
    said = "".join(f", {name} {value:.4g}" for name, value in best.items())
    alerts.tell(FINISHED, f"finished {after}{said}", **facts, **best)


def _best(folder: str | Path) -> dict[str, float]:
    """The metric that a run is best compared by, and its value."""
    metrics = job_metrics(folder)
    name = next((name for name in (*USUAL, *metrics) if name in metrics), None)
    return {name: metrics[name].value} if name else {}


def _spelled(seconds: float) -> str:
    unit, length = next((unit for unit in UNITS if seconds >= 2 * unit[1]), UNITS[-1])
    return f"{seconds / length:.0f} {unit}"
