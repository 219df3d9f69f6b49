"""The key `trackers`: who records a training beside VisualDL."""

from importlib import metadata
from importlib.util import find_spec

from aa.config.checks import wanted

# {name: module and class}; the package of that name is an extra of ours.
BUILT_IN = {"mlflow": "aa.runs.mlflow_tracker:MlflowTracker"}
GROUP = "aa.trackers"  # of entry points: a name, and what makes a tracker when it is called


def check_trackers(names: list[str]) -> None:
    """Check that each is known, and given once.

    Raises:
        UserError: names those that are known.
    """
    wanted(len(set(names)) == len(names), f"trackers names one twice: {', '.join(names)}.")
    if unknown := [name for name in names if name not in BUILT_IN]:
        known = (*BUILT_IN, *sorted(metadata.entry_points(group=GROUP).names))  # takes a moment
        wrong = [name for name in unknown if name not in known]
        wanted(
            not wrong,
            f"trackers must be a list of some of {', '.join(known)}, got {', '.join(wrong)}. "
            f"Others are entry points of the group {GROUP} in installed packages.",
        )


def lacking_tracker(names: list[str]) -> str | None:
    """A line about the first tracker that is not installed, or None."""
    absent = [name for name in names if name in BUILT_IN and find_spec(name) is None]
    if not absent:
        return None
    name = absent[0]
    return f"trackers: {name} is not installed. Run `pip install .[{name}]`, or omit it."
