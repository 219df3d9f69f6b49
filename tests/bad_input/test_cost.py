"""Files that try to cost more than they may are read or refused in little time and memory."""

import json
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tests.bad_input.cost import costs, is_cheap
from tests.bad_input.pictures import chunk, gif, jpeg_of_scans, png
from tests.bad_input.programs import PROGRAMS, write
from tests.weights.files import dictionary, listing_zip, name, paddle_array, program

PICTURE_TAGS = b"II*\0\x08\0\0\0" + struct.pack("<H", 60_000)
PICTURE_TAGS += b"".join(struct.pack("<HHII", n, 7, 700_000, 8) for n in range(60_000))

ORDERED = name("collections", "OrderedDict") + b"q\0("
REPEATED = [
    (b"(", b"]Na"),
    (b"(", b"}NNs"),
    (b"(", b"\x8c\x04\xf0\x9f\x92\x83"),
    (b"(", b"G" + bytes([63, 241]) + bytes(6)),
    (b"N", b"\x85"),
    (b"", b"("),
    (ORDERED, b"h\0)R"),
    (ORDERED, b"h\0)RNb"),
]


def check(kind, folder, files):
    """Every file, {name: bytes}, is cheap; what a user reads of each."""
    paths = [folder / file for file in files]
    for path, content in zip(paths, files.values(), strict=True):
        path.write_bytes(content)
    found = costs(kind, paths)
    dear = {p.name: c for p, c in zip(paths, found, strict=True) if not is_cheap(p, *c[:2])}
    assert not dear
    return {path.name: line for path, (_, _, line) in zip(paths, found, strict=True)}


@pytest.mark.slow
@pytest.mark.parametrize("kind", [".pth", ".pdparams"])
def test_no_pickle_costs_more_than_it_may(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    programs = {what: program for what, (kinds, program) in PROGRAMS.items() if kind in kinds}
    programs |= {f"repeats {unit!r}": start + unit * 300_000 for start, unit in REPEATED}
    written = (write(kind, code).read_bytes() for code in programs.values())
    files = {f"{number}{kind}": content for number, content in enumerate(written)}
    assert all(check("weights", tmp_path, files).values())


def test_no_list_of_names_costs_more_than_it_may(tmp_path):
    def header(content):
        text = json.dumps(content).encode()
        return len(text).to_bytes(8, "little") + text

    empty = {"dtype": "U8", "shape": [0], "data_offsets": [0, 0]}
    names, most = map(str, range(30_000)), map(str, range(300_000))
    files = {
        "names.safetensors": header({n: empty for n in names}),
        "more_names.safetensors": header({n: empty for n in most}),
        "texts.safetensors": header({"__metadata__": {str(n): "" for n in range(300_000)}}),
        "sizes.safetensors": header({"a": empty | {"shape": [1] * 1_000_000 + [0]}}),
        "type.safetensors": header({"a": empty | {"dtype": "\x1b" * 3_000_000}}),
        "listing.pth": listing_zip(tmp_path / "listing.pth", entries=200_000).read_bytes(),
    }
    lines = check("weights", tmp_path, files)
    assert [file for file, line in lines.items() if not line] == ["names.safetensors"]


def test_bfloat16_is_widened_in_three_times_the_file(tmp_path):
    array = np.zeros(40_000_000, np.uint16)
    (tmp_path / "w.pdparams").write_bytes(program(dictionary({"w": paddle(array)})))
    ((_, memory, line),) = costs("weights", [tmp_path / "w.pdparams"])
    assert not line
    assert memory < 4 * array.nbytes


def paddle(array):
    """Opcodes that push an array, its bytes as they are."""
    data = b"B" + array.nbytes.to_bytes(4, "little") + array.tobytes()
    return paddle_array(data, array.shape)


def test_no_small_picture_costs_more_than_it_may(tmp_path):
    text = zlib.compress(bytes(2**20 - 1), 9)
    sizes = [(4000, 4000), (2800, 2800), (32768, 488), (64, 1_048_624), (65535, 65535)]
    files = {f"{w}x{h}.png": png(w, h) for w, h in sizes}
    files |= {f"{w}x{h}.gif": gif(w, h) for w, h in sizes if h < 2**16}
    files |= {
        "texts.png": png(8, 8, more=chunk(b"zTXt", b"Comment\0\0" + text) * 200),
        "tags.png": png(8, 8, more=chunk(b"eXIf", PICTURE_TAGS)),
        "scans.jpg": jpeg_of_scans(50),
        "comment.gif": gif(8, 8)[:19] + b"\x21\xfe" + b"\1a" * 500_000 + b"\0" + gif(8, 8)[19:],
    }
    check("picture", tmp_path, files)


def test_a_white_sheet_of_4000_by_4000_is_read_in_64_mb(tmp_path):
    Image.new("RGB", (4000, 4000), "white").save(tmp_path / "a.png")
    ((seconds, memory, line),) = costs("picture", [tmp_path / "a.png"])
    assert not line
    assert is_cheap(tmp_path / "a.png", seconds, memory)


def test_no_manifest_costs_more_than_it_may(tmp_path):
    folder = tmp_path / "meta_data"
    folder.mkdir()
    lists, many = "[]," * 500_000, json.dumps([{"video_path": "a/" * 2000, "kps_path": "b"}] * 200)
    files = {
        "lists.json": f"[{lists}[]]",
        "nested.json": f"[[{lists}[]]]",
        "dicts.json": f"[{'{},' * 500_000}1]",
        "value.json": f'[{{"video_path": [{lists}[]]}}]',
        "object.json": f'{{"a": [{lists}[]]}}',
        "deep.json": "[" * 500_000,
        "name.json": json.dumps(["\x1b" * 500_000]),
        "paths.json": many,
    }
    lines = check("manifest", folder, {file: text.encode() for file, text in files.items()})
    assert all(lines.values())


def test_no_cases_file_costs_more_than_it_may(tmp_path):
    files = {
        "lists.yaml": "a: " + "[" * 490_000,
        "blocks.yaml": "- " * 240_000,
        "tags.yaml": "".join(f"%TAG !{n}! x\n" for n in range(30_000)) + "---\na: b",
        "many.yaml": "".join(f"{n}: b\n" for n in range(9_999)),
        "name.yaml": 'a: "' + "\\x1b" * 120_000 + '"',
        "number.yaml": "a: " + "1:" * 240_000,
    }
    assert all(check("cases", tmp_path, {k: v.encode() for k, v in files.items()}).values())
