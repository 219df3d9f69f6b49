"""Changes of pickles by their opcodes."""

import pickletools
import struct

from tests.fuzz.mutate import raw
from tests.fuzz.mutate.values import any_number

MOST = 300_000  # bytes of a mutant
NAMES = (
    *(("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("numpy", "load")),
    *(("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2")),
    *(("torch", "FloatStorage"), ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")),
    *(("numpy.core.multiarray", "_reconstruct"), ("numpy.core.multiarray", "scalar")),
    *(("builtins", "tuple"), ("builtins", "bytearray"), ("copyreg", "_reconstructor")),
    *(("x" * 5000, "y"), ("\x1b[2J", "\x1b]0;t\x07"), ("a" * 100_000, "b" * 100_000), ("", "")),
)

BARE = b"(.012NRQabdelostu\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x97\x98)]}"


def opcodes(content):
    """The opcodes of a pickle as pieces of it, without frames."""
    found = [(op, place) for op, _, place in pickletools.genops(content)]
    ends = [place for _, place in found[1:]] + [len(content)]
    return [
        content[place:end]
        for (op, place), end in zip(found, ends, strict=True)
        if op.name != "FRAME"
    ]


def _u4(number):
    return struct.pack("<I", number & 0xFFFFFFFF)


def _u8(number):
    return struct.pack("<Q", number & 0xFFFFFFFFFFFFFFFF)


def _put(rng):
    number = rng.choice((0, 1, 255, 256, 65536, 10**6, 2**24, 2**27, 2**31 - 1, 2**32 - 1))
    texts = b"r" + _u4(number), b"p%d\n" % number, b"q" + bytes([number & 255])
    return rng.choice((*texts, b"\x94"))


def _get(rng):
    number = rng.choice((0, 1, 2, 5, 200, 2**31, 2**32 - 1))
    return rng.choice((b"j" + _u4(number), b"g%d\n" % number, b"h" + bytes([number & 255])))


def _length(rng):
    """An opcode with a length before its bytes, right or not."""
    said = rng.choice((0, 1, 3, 255, 65536, 2**24, 2**30, 2**31, 2**32 - 1, 2**40, 2**63))
    content = rng.randbytes(rng.choice((0, 1, 3, 300)))
    opcode = rng.choice(b"TBX\x8b\x8d\x8e\x96\x8a\x8cUC")
    if opcode in b"\x8d\x8e\x96":
        return bytes([opcode]) + _u8(said) + content
    if opcode in b"\x8a\x8cUC":
        return bytes([opcode, said & 255]) + content
    return bytes([opcode]) + _u4(said) + content


def _number(rng):
    number = any_number(rng)
    digits = rng.choice((str(number), "9" * 4000, "9" * 5000, "0x10", "1e9", "", "-", "1_0"))
    size = rng.choice((0, 1, 8, 255, 3000, 100_000))
    long = b"\x8b" + _u4(size) + rng.randbytes(size)
    texts = (b"I%s\n" % digits.encode(), b"L%sL\n" % digits.encode(), b"F%s\n" % digits.encode())
    return rng.choice((*texts, b"J" + _u4(number), b"M\xff\xff", b"K\x00", long, b"I01\n"))


def _name(rng):
    module, name = (part.encode() for part in rng.choice(NAMES))
    parts = (b"X" + _u4(len(part)) + part for part in (module, name))
    return rng.choice((b"c%s\n%s\n" % (module, name), b"".join(parts) + b"\x93"))


def _frame(rng):
    return b"\x95" + _u8(rng.choice((0, 1, 2, 3, 4, 5, 9, 30, 100, 2**31, 2**62, 2**64 - 1)))


def _empties(rng):
    count = rng.choice((2, 100, 5000, 30_000))
    closing = rng.choice((b"", b"a" * (count - 1), b"0" * count, b"1", b"l", b"t", b"d"))
    return bytes([rng.choice(b"])}N(\x8f")]) * count + closing


def _nested(rng):
    """Tuples of tuples, twice each: 2^n steps for who hashes, compares or prints them."""
    depth = rng.choice((3, 9, 20, 60))
    step = rng.choice((b"2\x86", b"22\x87", b"q\x63h\x63h\x63\x86"))
    made = b")" + step * depth
    return rng.choice((made, b"}" + made + b"Ns", b"\x8f(" + made + b"\x90", b"}(" + made + b"Nu"))


def _call(rng):
    """A name with something to call it with, or to build it from."""
    arguments = rng.choice((b")", b"(Nt", b"(K\x01K\x02t", b"]", b"(X\x01\x00\x00\x00xt", b"N"))
    return _name(rng) + arguments + rng.choice((b"R", b"\x81", b"b", b"}\x92", b"Rb", b"R}b"))


def _hidden(rng):
    """Bytes that hold opcodes, behind a frame that may end inside of the argument before them.

    A reader that takes the argument anew behind the frame takes the first of these bytes, their
    opcode, for it; their length, 78, is the opcode of None.
    """
    parts = rng.choices((b"}", b"M\0\0", b"J\0\0\0\0", b"N0", b"]"), k=rng.choice((0, 1, 2)))
    before = b"".join(parts) + rng.choice((b"M\0\0", b"J\0\0\0\0"))
    bomb = rng.choice((_put, _put, _nested, _empties, _length))(rng)[:70]
    inside = b"N" * rng.choice((0, 1, 2)) + bomb
    inside += (b"0N" * 39)[: 78 - len(inside)]
    return b"\x95" + _u8(rng.randrange(1, len(before) + 4)) + before + b"CN" + inside


def _bare(rng):
    """An opcode without an argument."""
    return bytes([rng.choice(BARE)])


_NEW = (
    _hidden,
    _put,
    _get,
    _length,
    _number,
    _name,
    _frame,
    _empties,
    _nested,
    _call,
    _bare,
    _bare,
)


def any_opcodes(rng):
    """Opcodes that no writer of weights writes."""
    return rng.choice(_NEW)(rng)


def changed(rng, content, others=()):
    """A pickle with opcodes removed, doubled, moved, or added.

    Args:
        rng: the source of choices.
        content: bytes of an honest pickle.
        others: further ones, whose opcodes may come in.
    """
    if rng.random() < 0.2:
        return raw.changed(rng, content, others)
    pieces = opcodes(content)
    foreign = opcodes(rng.choice(others)) if others else pieces
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        place, other = rng.randrange(len(pieces)), rng.randrange(len(pieces))
        kind = rng.randrange(9)
        if kind < 4:
            pieces.insert(place, any_opcodes(rng))
        elif kind == 4 and len(pieces) > 1:
            del pieces[place]
        elif kind == 5:
            pieces[place] = pieces[place] * rng.choice((2, 3, 500))
        elif kind == 6:
            pieces[place], pieces[other] = pieces[other], pieces[place]
        elif kind == 7:
            pieces.insert(place, rng.choice(foreign))
        else:
            pieces[place] = any_opcodes(rng)
    return b"".join(_framed(rng, pieces))[:MOST]


def _framed(rng, pieces):
    """Sometimes in a frame, whose length may be wrong."""
    if rng.random() < 0.6 or len(pieces) < 2:
        return pieces
    start = rng.randrange(1, len(pieces))
    length = len(b"".join(pieces[start:])) + rng.choice((0, 0, -3, -2, -1, 1, 2, 5))
    return [*pieces[:start], b"\x95" + _u8(length), *pieces[start:]]
