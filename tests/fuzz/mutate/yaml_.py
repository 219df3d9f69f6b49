"""Changes of YAML: aliases, merge keys, tags, nesting, scalars that stand for other things."""

import re

from tests.fuzz.mutate import raw
from tests.fuzz.mutate.values import any_number, any_text

SCALARS = (
    *("null", "~", "yes", "no", "0o17", "0x1F", "1_000", "12:30:45", "1:1:1:1:1:1", ".inf", ".nan"),
    *("2024-02-30", "2024-06-01", "1e400", "1" * 5000, "0b" + "1" * 5000, "9:" * 2000 + "1"),
    *("!!python/object/apply:os.system [touch ran]", "!!python/name:os.system", "!!python/none"),
    *("!!binary AAAA", "!!binary '='", "!!int x", "!!float x", "!!timestamp x", "!!set {a, b}"),
    *("!!omap [a: 1]", "!!pairs [a: 1]", "!x y", "!!map [1]", "!!seq {}", "!!str {}", "!!bool x"),
    *("&a [*a]", "&b {c: *b}", "*nobody", "<<", "=", "? [a]\n: b", "|", ">", "- ", ": ", "{a"),
    *("[" * 900, "[" * 5000, "{" * 5000, "[" * 900 + "]" * 900, "{a: " * 900 + "}" * 900),
    *("- " * 3000 + "a", "? " * 3000 + "a", '"\\U00110000"', "'a", '"a', "# a", "%YAML 9.9", "---"),
    *('"\\x1b[2J"', '"\\ud800"', "\x1b[2J", "x" * 3000, "\u2028"),
)


def bomb(rng):
    """YAML whose aliases, or merge keys, stand for more than any memory holds."""
    width, depth = rng.choice(((9, 9), (2, 40), (100, 5), (9, 3)))
    form = rng.choice((_sequence, _mapping, _merge))
    lines = [f"a{n}: &a{n} {form([f'*a{n - 1}'] * width)}" for n in range(1, depth)]
    return "\n".join(["a0: &a0 {x: 1, y: 2}", *lines]) + "\n"


def _sequence(items):
    return f"[{', '.join(items)}]"


def _mapping(items):
    return "{" + ", ".join(f"k{place}: {item}" for place, item in enumerate(items)) + "}"


def _merge(items):
    return f"{{<<: {_sequence(items)}}}"


def any_scalar(rng):
    """Something that may stand where a value is."""
    kind = rng.randrange(4)
    if kind < 2:
        return rng.choice(SCALARS)
    if kind == 2:
        return str(any_number(rng))
    text = any_text(rng)
    return text if rng.random() < 0.5 else "'" + text.replace("'", "''") + "'"


def _value(rng, lines, place):
    """Another value of a key or an item."""
    match = re.match(r"(\s*(?:- )*(?:[^:\s]+:)?\s?)(.*)", lines[place])
    lines[place] = (match[1] if match else "") + any_scalar(rng)


def _key(rng, lines, place):
    lines[place] = re.sub(r"[^\s:-]+(?=:)", lambda _: any_scalar(rng), lines[place], count=1)


def _indent(rng, lines, place):
    lines[place] = " " * rng.choice((1, 2, 3, 50)) + lines[place]


def _double(rng, lines, place):
    lines.insert(rng.randrange(len(lines) + 1), lines[place])


def _drop(rng, lines, place):
    del lines[place]


def _bomb(rng, lines, place):
    lines[place:place] = bomb(rng).splitlines()


def _bomb_list(rng, lines, place):
    """The same as items of a list."""
    inner = bomb(rng).splitlines()
    lines[place:place] = [f"- {line.partition(': ')[2]}" for line in inner]


def _anchor(rng, lines, place):
    lines[place] = re.sub(r"(:|-) ", r"\1 &z ", lines[place], count=1)
    lines.append(rng.choice(("- *z", "z: *z", "<<: *z", "<<: [*z, *z]")))


_CHANGES = (_value, _value, _value, _key, _indent, _double, _drop, _bomb, _bomb_list, _anchor)


def changed(rng, text, others=()):
    """YAML text changed by its lines, or as bytes.

    Args:
        rng: the source of choices.
        text: bytes of honest YAML.
        others: further ones.
    """
    if rng.random() < 0.15:
        return raw.changed(rng, text, others)
    lines = text.decode().splitlines()
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if lines:
            rng.choice(_CHANGES)(rng, lines, rng.randrange(len(lines)))
    return ("\n".join(lines) + "\n").encode("utf-8", "surrogatepass")
