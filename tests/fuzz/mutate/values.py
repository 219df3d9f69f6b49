"""Values that readers stumble over: numbers at borders, texts that drive terminals or pages."""

import struct

from tests.fuzz.kind import BESIDE

MARK = "fuzzmark"  # an HTML element that no page of ours has
NUMBERS = (
    *(0, 1, -1, 2, 3, 7, 8, 255, 256, 32767, 32768, 65535, 65536, 10_001, 10**6),
    *(2**n + d for n in (24, 31, 32, 62, 63, 64) for d in (-1, 0, 1)),
    *(-(2**n) - d for n in (31, 63, 64) for d in (0, 1)),
)
FLOATS = (0.5, -0.0, 1e-320, 1.7976931348623157e308, float("nan"), float("inf"), float("-inf"))
TEXTS = (
    *("", " ", "0", "null", "true", "1e3", "2024_06", "12:30:00", "a,b", "a=b", "it's", '"', "\\"),
    *("a\nb", "a\rb", "a\tb", "\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202egnp.exe", "\0"),
    *("\ud800", "\U0001f600", "\ufeff", "\x7f", "\x85", "\u2028"),
    "<script>alert(1)</script>",
    f'"><{MARK}>',
    f"</script></style><{MARK} on{MARK}=1>",
    f"' on{MARK}=1 x='",
    f'" on{MARK}=1 x="',
    *("..", ".", "/", "~", "../../../../etc/passwd", "/etc/passwd", "/dev/zero", "/proc/self/mem"),
    *(f"{BESIDE}/canary/precious.txt", f"{BESIDE}/evil.yaml", "../canary/precious.txt"),
    *("file:///etc/passwd", "http://127.0.0.1:9/x", "concat:a|b", "-x", "--config-dir=..", "%s%n"),
    *("${oc.env:SECRET}", "${oc.decode:'${oc.env:SECRET}'}", f"${{new_folder:{BESIDE}/made}}"),
    *("${name}", "${stage}", "${..seed}", "${a", "$", "{seed}", "[1,2", "${chosen:stage}"),
    *("os.system", "done", "failed", "train/loss", "val/psnr", "step-000002", "max", "min"),
    *("x" * 300, "x" * 5000, "\x1b" * 3000, "9" * 5000, "../" * 2000),
)
LONG_TEXT = "x" * 200_000


def any_number(rng):
    """A whole number, mostly at a border."""
    return rng.choice(NUMBERS) if rng.random() < 0.9 else rng.getrandbits(70) - 2**69


def any_text(rng):
    """A text, seldom a long one."""
    return rng.choice(TEXTS) if rng.random() < 0.98 else LONG_TEXT


def packed(rng):
    """A border number as the bytes of a field of any width and order."""
    width = rng.choice((1, 2, 2, 4, 4, 4, 8))
    number = any_number(rng) & (1 << 8 * width) - 1
    return number.to_bytes(width, rng.choice(("big", "little")))


def packed_float(rng):
    """A strange number of floating point as the bytes of a field."""
    return struct.pack(rng.choice(("<f", ">f", "<d", ">d")), rng.choice(FLOATS[:3] + FLOATS[4:]))
