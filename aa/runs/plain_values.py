"""Plain values of anybody's json and yaml: how deep, how many, how long. Imports no paddle."""

from typing import Any

import yaml

MOST_DEPTH, MOST_VALUES = 16, 20_000  # a config has some 250, 4 deep
MOST_KEY, MOST_TEXT = 100, 100_000  # characters
MOST_WORD = 10_000  # characters of what yaml may take for a number
LARGEST = 2**63  # whole numbers that other programs read
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there
OPENS = (yaml.SequenceStartEvent, yaml.MappingStartEvent)
CLOSES = (yaml.SequenceEndEvent, yaml.MappingEndEvent)


def check_plain(values: Any, *, most: int = MOST_VALUES) -> None:
    """Refuse nested plain values that nobody wrote by hand or from a config.

    Raises:
        ValueError: they are too deep, too many or too long, or a key is no text.
    """
    level, depth, count = [values], 0, 0
    while level:
        count, depth = count + len(level), depth + 1
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        if count > most:
            raise ValueError(f"it holds more than {most} values")
        inner = []
        for value in level:
            if isinstance(value, dict):
                _check_keys(value)
                inner += value.values()
            elif isinstance(value, list):
                inner += value
            else:
                _check_leaf(value)
        level = inner


def load_yaml(content: bytes) -> Any:
    """The plain values of a yaml text, which may hold no aliases: a few lines of them never end.

    Raises:
        ValueError: it is no yaml, holds an alias, or is what `check_plain` refuses.
    """
    depth = count = 0
    try:
        for event in yaml.parse(content, Loader=LOADER):
            depth += isinstance(event, OPENS) - isinstance(event, CLOSES)
            count += not isinstance(event, CLOSES)
            _check_event(event, depth, count)
        values = yaml.load(content, Loader=LOADER)
    except ValueError:
        raise
    except Exception as error:  # tags and dates that are none fail in any way
        line = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"not yaml: {line[:200]}") from error
    check_plain(values)
    return values


def _check_event(event, depth, count):
    if isinstance(event, yaml.AliasEvent):
        line = event.start_mark.line + 1
        raise ValueError(f"line {line}: an alias, *{event.anchor[:40]}, which no run writes")
    if depth > MOST_DEPTH:
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
    if count > 2 * MOST_VALUES:
        raise ValueError(f"it holds more than {MOST_VALUES} values")
    if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and len(event.value) > MOST_WORD:
        raise ValueError(f"a word of {len(event.value)} characters")


def _check_keys(values):
    for key in values:
        if not isinstance(key, str):
            raise ValueError(f"a key is a {type(key).__name__}, no text")
        if len(key) > MOST_KEY:
            raise ValueError(f"a key of {len(key)} characters")


def _check_leaf(value):
    if isinstance(value, str):
        if len(value) > MOST_TEXT:
            raise ValueError(f"a text of {len(value)} characters")
    elif isinstance(value, int):
        if not -LARGEST <= value < LARGEST:
            raise ValueError("a whole number of more than 64 bits")
    elif value is not None and not isinstance(value, float):
        raise ValueError(f"a {type(value).__name__}, no plain value")
