"""Names that are chosen by shell patterns."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase


def chosen_names(names: Iterable[str], patterns: Sequence[str]) -> set[str]:
    """Those of the names that match, pattern after pattern; "!" in front takes names away again."""
    names, chosen = list(names), set()
    for pattern in patterns:
        matches = {name for name in names if fnmatchcase(name, pattern.removeprefix("!"))}
        chosen = chosen - matches if pattern.startswith("!") else chosen | matches
    return chosen
