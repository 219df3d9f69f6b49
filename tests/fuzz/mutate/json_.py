"""Changes of JSON: other types, huge numbers, deep nesting, keys that are missing or double."""

import copy
import json
import math

from tests.fuzz.mutate import raw
from tests.fuzz.mutate.values import FLOATS, any_number, any_text


class Raw(str):
    """JSON as it is to be written, right or wrong."""


class Pairs(list):
    """An object whose keys may be there twice."""


WRONG = (
    Raw("1" * 4000),
    Raw("1" * 5000),
    Raw("-" + "9" * 400),
    Raw("1e999"),
    Raw("1E400000000"),
    Raw("0." + "3" * 3000),
    Raw("01"),
    Raw("[" * 900 + "]" * 900),
    Raw("[" * 100_000),
    Raw("[" * 100_000 + "]" * 100_000),
    Raw('{"a":' * 900 + "1" + "}" * 900),
    Raw('{"a":' * 20_000 + "1" + "}" * 20_000),
    Raw("{}{}"),
    Raw('"a'),
    Raw('"\\ud800"'),
    Raw('"\\u0000"'),
    Raw("'a'"),
    Raw("nul"),
    Raw("[1,]"),
    Raw("/* a */ 1"),
    Raw("[" + "0," * 50_000 + "0]"),
)


def dumps(value):
    """A value as JSON, with `Raw` and `Pairs` as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        value = Pairs(value.items())
    if isinstance(value, Pairs):
        return "{" + ", ".join(f"{json.dumps(str(k))}: {dumps(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(dumps, value))}]"
    return json.dumps(value)


def any_value(rng):
    """Anything that JSON can hold, and some that it cannot."""
    kind = rng.randrange(9)
    if kind < 2:
        return any_number(rng)
    if kind < 4:
        return any_text(rng)
    if kind == 4:
        return rng.choice(FLOATS)
    if kind == 5:
        return rng.choice(WRONG)
    if kind == 6:
        return [any_value(rng) for _ in range(rng.randrange(4))]
    if kind == 7:
        return {any_text(rng): any_value(rng) for _ in range(rng.randrange(4))}
    return rng.choice((None, True, False, [], {}, "", 0, math.pi))


def places(value, found=None):
    """(container, key) of every value inside a tree."""
    found = [] if found is None else found
    inside = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in inside:
        found.append((value, key))
        if isinstance(inner, dict | list):
            places(inner, found)
    return found


def edit(rng, value):
    """A tree with one value changed, moved, removed, doubled or renamed."""
    tree = [copy.deepcopy(value)]
    found = places(tree)
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        container, key = rng.choice(found)
        if isinstance(container, list) and key >= len(container):
            continue
        if isinstance(container, dict) and key not in container:
            continue
        _CHANGES[rng.randrange(len(_CHANGES))](rng, container, key, found)
    return tree[0] if tree else Raw("")


def _replace(rng, container, key, found):
    container[key] = any_value(rng)


def _remove(rng, container, key, found):
    del container[key]


def _swap(rng, container, key, found):
    """Another value of the same tree."""
    other, name = rng.choice(found)
    if isinstance(other, dict) and name in other:
        container[key] = copy.deepcopy(other[name])


def _rename(rng, container, key, found):
    if isinstance(container, dict):
        container[any_text(rng)] = container.pop(key)
    else:
        container.append(copy.deepcopy(container[key]))


def _wrap(rng, container, key, found):
    inner = container[key]
    container[key] = [inner] if rng.random() < 0.5 else {"a": inner}


def _double(rng, container, key, found):
    """The same key a second time, with another value."""
    inner = container[key]
    if isinstance(inner, dict):
        name = rng.choice(list(inner)) if inner else "a"
        container[key] = Pairs([*inner.items(), (name, any_value(rng))])
    elif isinstance(inner, list):
        container[key] = inner * rng.choice((2, 50))
    else:
        _replace(rng, container, key, found)


_CHANGES = (_replace, _replace, _replace, _remove, _swap, _rename, _wrap, _double)


def changed(rng, text, others=()):
    """JSON text changed as JSON, or as bytes.

    Args:
        rng: the source of choices.
        text: bytes of honest JSON.
        others: further ones.
    """
    if rng.random() < 0.2:
        return raw.changed(rng, text, others)
    mutant = dumps(edit(rng, json.loads(text))).encode("utf-8", "surrogatepass")
    if rng.random() < 0.05:
        mutant = rng.choice((b"\xef\xbb\xbf", b"\xff\xfe", b"\0")) + mutant
    return mutant


def changed_lines(rng, text):
    """A file of a JSON object a line: one of them changed, cut, doubled or out of order."""
    lines = text.splitlines(keepends=True)
    place = rng.randrange(len(lines))
    kind = rng.randrange(6)
    if kind < 3:
        lines[place] = changed(rng, lines[place]).replace(b"\n", b" ") + b"\n"
    elif kind == 3:
        lines.insert(rng.randrange(len(lines)), lines[place])
    elif kind == 4:
        lines[place] = dumps(any_value(rng)).encode("utf-8", "surrogatepass") + b"\n"
    else:
        return raw.changed(rng, text)
    return b"".join(lines)
