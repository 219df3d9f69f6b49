"""Offending inputs as files: written where they are found, read to be tried again."""

from pathlib import Path

from tests.fuzz.kind import BESIDE, Mutant

GONE = ".gone"  # ending of an empty file that stands for one that is missing
FIXTURES = Path(__file__).parent / "fixtures"


def save(folder, title, mutant, faults, *, again):
    """Write a mutant's files and a text about it.

    Args:
        folder: for all of them.
        title: of the mutant.
        mutant, faults: what was read, and what came of it.
        again: arguments that make it again.

    Returns:
        the folder of the files.
    """
    home = Path(folder) / title
    for file, content in mutant.files.items():
        path = home / (f"{file}{GONE}" if content is None else file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content or b"")
    lines = [
        f"{title}, read by {mutant.target}",
        *(f"{fault.sort}: {fault.text}\n    {fault.place}" for fault in faults),
        f"Again: python -m tests.fuzz {again}",
        f"or its files: python -m tests.fuzz --kind {title.partition('-')[0]} --input {home}",
        f"{BESIDE} in a file stands for the folder that holds the sandbox.",
    ]
    (Path(folder) / f"{title}.txt").write_text("\n".join(lines) + "\n")
    return home


def load(path, kind):
    """The mutants of a file or a folder: one for each reader of it.

    Args:
        path: a file, or a folder whose files have their names in the sandbox.
        kind: of input.
    """
    path = Path(path)
    if path.is_dir():
        files = {p.relative_to(path).as_posix(): p for p in path.rglob("*") if p.is_file()}
        found = {n.removesuffix(GONE): _content(n, p) for n, p in sorted(files.items())}
    else:
        found = {kind.file_name(path.name): path.read_bytes()}
    targets = kind.targets_of(found)
    if not targets:
        raise ValueError(f"{path}: no reader of this kind takes {', '.join(found)}")
    return [Mutant(found, target) for target in targets]


def fixtures(name):
    """The files and folders that are kept for every run of the tests."""
    return sorted((FIXTURES / name).glob("*"))


def _content(name, path):
    return None if name.endswith(GONE) else path.read_bytes()
