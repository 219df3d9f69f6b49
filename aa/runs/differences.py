"""Differences between the snapshots of two runs, by name."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

MOST = 10  # lines of a group
COMPARED = ("git", "code", "packages", "data", "machine", "config", "working_directory", "folder")
ABSENT = object()
# Say what a run is to do with others, or who is told of it, and nothing about its result.
OTHER_RUNS = ("resume", "resume_with_changes", "rerun", "rerun_check", "plan", "sweep")
OTHER_RUNS += ("poses_only",)  # how far one start of a run goes
RUN_LINKS = (*OTHER_RUNS, "alerts", "trackers")
# Say which host of several this is and how they meet: every host and every start has its own.
ABOUT_HOSTS = ("hardware.node_rank", "hardware.master", "hardware.start_timeout")

# Further keys that may differ on each host, and that no process of a group waits for.
OF_A_HOST = ("num_threads", "memory_gb", "bandwidth_gb", "peak_tflops")
OF_A_PROCESS = ("data.num_workers", "data.cache_gb")


def shared_by_hosts(key: str) -> bool:
    """Return whether the hosts that train together must have the same value of a dotted key."""
    own = (*ABOUT_HOSTS, *OF_A_PROCESS, *RUN_LINKS, *(f"hardware.{name}" for name in OF_A_HOST))
    return not any(key == one or key.startswith(f"{one}.") for one in own)


def report(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Lines like "packages: numpy 1.26.4 -> 1.26.5"; of each group at most `MOST` and a count.

    Args:
        old, new: two snapshots.
    """
    if "code" not in old:
        return ["the run was made by an older version, whose snapshots hold no hashes to compare"]
    missing = [key for key in COMPARED if key not in old]
    if missing:
        return [f"its snapshot has no {' and no '.join(missing)}, so nothing is compared"]
    groups = {
        "code": [*_commits(old["git"], new["git"]), *changed_files(old["code"], new["code"])],
        "packages": _values(old["packages"], new["packages"]),
        "data": _data(old, new),
        "machine": _values(old["machine"], new["machine"]),
        "config": _configs(old, new),
    }
    lines = []
    for group, found in groups.items():
        more = [f"and {len(found) - MOST} more"] if found[MOST:] else []
        lines += [f"{group}: {line}" for line in (*found[:MOST], *more)]
    return lines


def changed_leaves(
    old: Mapping[str, Any], new: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted key, old value, new value) of nested dicts; `ABSENT` where there is none.

    A group that one of them has as null is one leaf.
    """
    for key in {**old, **new}:
        before, after = old.get(key, ABSENT), new.get(key, ABSENT)
        if isinstance(before, dict) and isinstance(after, dict):
            yield from changed_leaves(before, after, f"{prefix}{key}.")
        elif before is ABSENT or after is ABSENT or before != after:
            yield prefix + key, before, after


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested dicts as {dotted key: value}."""
    found = {}
    for key, value in values.items():
        inner = flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
        found |= inner
    return found


def without_runs(config: Mapping[str, Any]) -> dict[str, Any]:
    """A config without the keys that are about other runs."""
    return {key: value for key, value in config.items() if key not in RUN_LINKS}


def _commits(old: Any, new: Any) -> list[str]:
    old, new = (git["commit"][:12] if git else "no checkout" for git in (old, new))
    return [] if old == new else [f"commit {old} -> {new}"]


def _values(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [
        f"{key} {_text(before)} -> {_text(after)}"
        for key, before, after in changed_leaves(old, new)
    ]


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{...}"
    return "none" if value is ABSENT or value is None else str(value)


def changed_files(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Changed, missing and new files of two {name: what is known of it}."""
    both = [name for name in old if name in new]
    words = {name: "changed" for name in both if not same_entry(old[name], new[name])}
    words |= {name: "missing" for name in old if name not in new}
    words |= {name: "new" for name in new if name not in old}
    order = ("changed", "missing", "new")
    return [f"{name} {word}" for word in order for name in words if words[name] == word]


def same_entry(before: Any, after: Any) -> bool:
    """Return whether two of `changed_files` agree in all that is known of both."""
    if isinstance(before, str):
        return before == after
    return all(before[key] == after[key] for key in before.keys() & after.keys())


def _data(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    lines, kinds = [], [snapshot["data"]["kind"] for snapshot in (old, new)]
    if kinds[0] != kinds[1]:
        lines.append(f"compared by size only: it has the {kinds[1]}, the run has the {kinds[0]}")
    before, after = old["data"]["files"], new["data"]["files"]
    # The second stage of a recipe reads what the first left in the same run folder.
    places = {_place(name, new): name for name in after if name not in before}
    renamed = {n: places.get(_place(n, old), n) for n in before if n not in after}
    return lines + changed_files({renamed.get(n, n): entry for n, entry in before.items()}, after)


def _configs(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    leaves = changed_leaves(without_runs(old["config"]), without_runs(new["config"]))
    return [
        f"{key} {_text(before)} -> {_text(after)}"
        for key, before, after in leaves
        if not (
            isinstance(before, str)
            and isinstance(after, str)
            and _place(before, old) == _place(after, new)
        )
    ]


def _place(path: str, snapshot: Mapping[str, Any]) -> str:
    """A path as seen from the run folder."""
    return os.path.relpath(os.path.join(snapshot["working_directory"], path), snapshot["folder"])
