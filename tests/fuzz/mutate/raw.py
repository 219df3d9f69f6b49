"""Changes of bytes that know nothing of what they mean."""

from tests.fuzz.mutate.values import packed

MOST = 300_000  # bytes of a mutant


def _flip(rng, content, others):
    place = rng.randrange(len(content))
    return content[:place] + bytes([content[place] ^ 1 << rng.randrange(8)]) + content[place + 1 :]


def _cut(rng, content, others):
    return content[: rng.randrange(len(content))]


def _remove(rng, content, others):
    start, count = rng.randrange(len(content)), rng.choice((1, 2, 4, 16, 200))
    return content[:start] + content[start + count :]


def _insert(rng, content, others):
    place = rng.randrange(len(content) + 1)
    return content[:place] + rng.randbytes(rng.choice((1, 1, 2, 4, 8, 40))) + content[place:]


def _repeat(rng, content, others):
    start, count = rng.randrange(len(content)), rng.choice((1, 4, 16, 100, 1000))
    part = content[start : start + count]
    return content[:start] + part * rng.choice((2, 3, 10, 200)) + content[start + count :]


def _splice(rng, content, others):
    other = rng.choice(others) if others else content
    return content[: rng.randrange(len(content))] + other[rng.randrange(max(1, len(other))) :]


def _zero_tail(rng, content, others):
    """As a power cut leaves a file: its size is there, its last blocks are not."""
    start = rng.randrange(len(content))
    return content[:start] + bytes(len(content) - start)


def _number(rng, content, others):
    field, place = packed(rng), rng.randrange(len(content))
    return content[:place] + field + content[place + len(field) :]


_CHANGES = (_flip, _flip, _cut, _remove, _insert, _repeat, _splice, _zero_tail, _number, _number)


def changed(rng, content, others=()):
    """Some bytes changed.

    Args:
        rng: the source of choices.
        content: bytes.
        others: contents of the same kind, to splice with.
    """
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        if not content:
            return rng.randbytes(rng.choice((0, 1, 30)))
        content = rng.choice(_CHANGES)(rng, content, others)[:MOST]
    return content
