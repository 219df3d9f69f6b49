"""`aa`: the runners and programs as one command, also where only the wheel is installed."""

import runpy
import sys

import aa
from aa.interrupts import listen
from aa.processes import runner_file

RUNNERS = ("train", "infer", "evaluate", "prepare", "export", "report", "runs", "app")
PROGRAMS = ("weights", "data", "demo")
HELP = f"""usage: aa {" | ".join((*RUNNERS, *PROGRAMS))} ...

`aa train stage=2 hardware=v100` is `python runners/train.py stage=2 hardware=v100`, and
`aa weights ...` is `python -m aa.weights ...`; each says more with --help."""


def main() -> None:
    """Run the runner or program that the first argument names, with the other arguments."""
    listen()  # to a signal while the rest is imported, too
    name, *rest = sys.argv[1:] or ["--help"]
    if name in ("-h", "--help"):
        print(HELP)
    elif name == "--version":
        print(aa.__version__)
    elif name in RUNNERS:
        path = runner_file(name)
        sys.argv = [str(path), *rest]
        runpy.run_path(str(path), run_name="__main__")
    elif name in PROGRAMS:
        sys.argv = [f"aa {name}", *rest]
        runpy.run_module(f"aa.{name}", run_name="__main__")
    else:
        print(
            f"error: {name}: no such command; there are {', '.join((*RUNNERS, *PROGRAMS))}.",
            file=sys.stderr,
        )
        sys.exit(2)


if __name__ == "__main__":
    main()
