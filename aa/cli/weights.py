"""`python -m aa.weights`: look into weights, convert them, download published ones."""

import argparse
import os
from collections.abc import Iterable, Sequence

from aa.cli.program import run_program
from aa.config.hardware import HardwareConfig
from aa.machine import prepare_paddle
from aa.plain import printable
from aa.weights.catalogue import GROUPS, RELEASED_HOME
from aa.weights.download import Hub, download
from aa.weights.folders import open_folder
from aa.weights.tables import START_OPTIONAL

_LAYOUTS = {
    1: "layout 1, the torch release",
    2: "layout 2, the Paddle release",
    3: "layout 3, our own",
    "start": "what training starts from",
}


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aa.weights",
        description="Look into weights, convert them to our layout, download published ones.",
    )
    commands = parser.add_subparsers(required=True, metavar="inspect | convert | download")

    inspect = commands.add_parser("inspect", help="say what a folder holds and whether it is whole")
    inspect.add_argument("folder", help="a weights folder or a run folder")
    inspect.set_defaults(command=_inspect)

    convert = commands.add_parser("convert", help="write released weights in our layout")
    convert.add_argument("source", help="a weights folder or a run folder; it stays as it is")
    convert.add_argument("target", help="the folder to write, which must not exist yet")
    convert.add_argument(
        "--float16", action="store_true", help="round all values to float16: half the size"
    )
    convert.set_defaults(command=_convert)

    fetch = commands.add_parser(
        "download",
        help="fetch published weights",
        description="Fetch published weights. What is there already is checked and kept.",
        epilog=_list_groups(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    fetch.add_argument("--to", default=RELEASED_HOME, help="folder to write (default: %(default)s)")
    fetch.add_argument(
        "--only",
        nargs="+",
        choices=list(GROUPS),
        default=["released"],
        metavar="NAME",
        help=f"groups to fetch, of {', '.join(GROUPS)} (default: released); keep `start` in a "
        "folder of its own, a folder with released weights is read as those",
    )
    fetch.set_defaults(command=_download)
    return parser


def _list_groups() -> str:
    lines = []
    for group, files in GROUPS.items():
        rows = [(f"  {file.target}", f"from {file.repo}") for file in files]
        lines += [f"{group}:", *_aligned(rows)]
    return "\n".join(lines)


def _inspect(options: argparse.Namespace) -> None:
    open_folder(options.folder)  # what is wrong with a folder shows before paddle loads
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.weights.convert import inspect

    folder, components = inspect(options.folder, progress=True)
    model = folder.model
    channels = "-".join(map(str, model.block_out_channels))
    print(f"{printable(folder.path)}: {_LAYOUTS[folder.layout]}")
    print(
        f"model: channels {channels}, {model.layers_per_block} layers per block, "
        f"{model.attention_heads} heads, cross-attention width {model.cross_attention_dim}"
    )
    if "motion_module" in folder.sources:
        print(
            f"motion modules: {model.motion_heads} heads, at most {model.motion_max_frames} frames"
        )
    else:
        print("motion modules: none, it makes single images (stage 1)")
    _show(
        ("component", "file", "keys", "numbers (M)", "size (MB)"),
        [(c.name, os.path.relpath(c.path, folder.path), c.keys, *_sizes(c)) for c in components],
    )
    new = [n for n in START_OPTIONAL if n not in folder.sources] if folder.layout == "start" else []
    print("complete" + (f"; {' and '.join(new)} will start new" if new else ""))


def _convert(options: argparse.Namespace) -> None:
    open_folder(options.source)
    prepare_paddle(HardwareConfig(device="cpu"))
    from aa.weights.convert import convert

    rows = []
    for read, written in convert(
        options.source, options.target, float16=options.float16, progress=True
    ):
        numbers, size = _sizes(written)
        rows.append((read.name, read.path.name, read.keys, numbers, written.path, size))
    _show(("component", "from", "keys", "numbers (M)", "written", "size (MB)"), rows)


def _download(options: argparse.Namespace) -> None:
    report = download(options.to, options.only, hub=Hub())
    _show(
        ("file", "from", "size (MB)", "", "checked by"),
        [(r.path, r.repo, f"{r.bytes / 1e6:.1f}", r.state, r.checked) for r in report],
    )
    print(f"`python -m aa.weights inspect {printable(options.to)}` looks inside.")


def _sizes(component):
    return f"{component.numbers / 1e6:.2f}", f"{component.bytes / 1e6:.1f}"


def _show(header: Sequence[object], rows: Iterable[Sequence[object]]) -> None:
    print("\n".join(_aligned([header, *rows])))


def _aligned(rows: Iterable[Sequence[object]]) -> list[str]:
    """Rows as lines whose columns line up."""
    cells = [[printable(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    padded = [[c.ljust(w) for c, w in zip(row, widths, strict=True)] for row in cells]
    return ["  ".join(row).rstrip() for row in padded]


def main() -> None:
    """Run one command of the program."""
    run_program(_parser())
