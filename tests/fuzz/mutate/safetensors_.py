"""Changes of safetensors files: a length, a JSON header, the data."""

import json

from tests.fuzz.mutate import json_, raw
from tests.fuzz.mutate.values import any_number

TYPES = ("F64", "F32", "F16", "BF16", "I64", "U8", "BOOL", "F8_E4M3", "F31", "F4", "", "f32")


def changed(rng, content, others=()):
    """A file with another header, length or data."""
    length = int.from_bytes(content[:8], "little")
    header, data = content[8 : 8 + length], content[8 + length :]
    kind = rng.randrange(8)
    if kind < 3:
        header = json_.changed(rng, header)
    elif kind < 6:
        header = json_.dumps(_other_sizes(rng, json.loads(header))).encode()
    elif kind == 6:
        data = raw.changed(rng, data) if data else b"x"
    else:
        return raw.changed(rng, content, others)
    said = len(header) if rng.random() < 0.9 else any_number(rng)
    return (said & 2**64 - 1).to_bytes(8, "little") + header + data


def _other_sizes(rng, header):
    """A header whose types, shapes and places are others, some of them in keeping."""
    name = rng.choice([key for key in header if key != "__metadata__"])
    entry = header[name]
    key = rng.choice(("dtype", "shape", "data_offsets"))
    if key == "dtype":
        entry[key] = rng.choice(TYPES)
    else:
        numbers = list(entry[key]) or [0]
        numbers[rng.randrange(len(numbers))] = any_number(rng)
        if rng.random() < 0.3:
            numbers += [rng.choice((0, 1, 2**31))] * rng.choice((1, 30, 40, 5000))
        entry[key] = numbers
    if rng.random() < 0.2:
        header["__metadata__"] = json_.any_value(rng)
    if rng.random() < 0.2:
        header[json_.any_text(rng)] = dict(entry)
    return header
