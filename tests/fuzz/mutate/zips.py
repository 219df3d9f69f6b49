"""Zip files as torch writes them, whose headers may lie."""

import struct
import zlib

from tests.fuzz.mutate import pickles, raw
from tests.fuzz.mutate.values import any_number

LOCAL, CENTRAL, END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
FIELDS = ("flags", "method", "crc", "packed", "size", "offset", "name_length", "extra_length")


def entries_of(content):
    """{name: bytes} of an honest file of stored entries."""
    found, place = {}, 0
    while content[place : place + 4] == LOCAL:
        packed, _, name, extra = struct.unpack_from("<IIHH", content, place + 18)
        start = place + 30 + name + extra
        found[content[place + 30 : place + 30 + name].decode()] = content[start : start + packed]
        place = start + packed
    return found


def pack(entries, lies=None):
    """A zip file of stored entries.

    Args:
        entries: list of (name, bytes).
        lies: {(index, "local" or "central", field): number} of headers that say something else;
            index -1 is the end record, with the fields "count", "size" and "offset".
    """
    lies, content, central = lies or {}, b"", b""
    for index, (name, data) in enumerate(entries):
        encoded, offset = name.encode("utf-8", "surrogatepass"), len(content)
        true = dict.fromkeys(FIELDS, 0) | {"crc": zlib.crc32(data), "packed": len(data)}
        true |= {"size": len(data), "offset": offset, "name_length": len(encoded)}

        def field(where, name, index=index, true=true):
            return lies.get((index, where, name), true[name])

        head = struct.pack("<H", 20) + _head(lambda name: field("local", name))
        content += LOCAL + head + encoded + data
        head = struct.pack("<HH", 20, 20) + _head(lambda name: field("central", name))
        rest = struct.pack("<HHHII", 0, 0, 0, 0, field("central", "offset") & 0xFFFFFFFF)
        central += CENTRAL + head + rest + encoded
    count = lies.get((-1, "end", "count"), len(entries)) & 0xFFFF
    size = lies.get((-1, "end", "size"), len(central)) & 0xFFFFFFFF
    offset = lies.get((-1, "end", "offset"), len(content)) & 0xFFFFFFFF
    end = END + struct.pack("<HHHHIIH", 0, 0, count, count, size, offset, 0)
    return content + central + end


def _head(field):
    """What local and central header have in common: flags to the length of the extra field."""
    shorts, longs = (field("flags"), field("method"), 0, 33), ("crc", "packed", "size")
    lengths = (field("name_length"), field("extra_length"))
    return (
        struct.pack("<HHHH", *(n & 0xFFFF for n in shorts))
        + struct.pack("<III", *(field(name) & 0xFFFFFFFF for name in longs))
        + struct.pack("<HH", *(n & 0xFFFF for n in lengths))
    )


def changed(rng, content, others=()):
    """A torch file with another pickle, entries that are missing or double, or lying headers.

    Args:
        rng: the source of choices.
        content: bytes of an honest file.
        others: honest pickles, whose opcodes may come in.
    """
    entries = list(entries_of(content).items())
    kind, lies = rng.randrange(10), {}
    if kind < 6:
        entries = [
            (name, pickles.changed(rng, data, others) if name.endswith("data.pkl") else data)
            for name, data in entries
        ]
    elif kind < 8:
        for _ in range(rng.choice((1, 1, 2, 3))):
            where = rng.choice(("local", "central", "central", "end"))
            names, index = FIELDS, rng.randrange(len(entries))
            if where == "end":
                names, index = ("count", "size", "offset"), -1
            lies[index, where, rng.choice(names)] = any_number(rng)
    elif kind == 8:
        _rearrange(rng, entries)
    else:
        return raw.changed(rng, content)
    return pack(entries, lies)


def _rearrange(rng, entries):
    place = rng.randrange(len(entries))
    name, data = entries[place]
    new = rng.choice((name, name.upper(), "data.pkl", f"x/{name}", "a/data.pkl", "../" + name, ""))
    change = rng.randrange(3)
    if change == 0:
        entries.insert(rng.randrange(len(entries) + 1), (new, data))
    elif change == 1:
        entries[place] = (new, data)
    else:
        del entries[place]
