"""Plain values of anybody's json and yaml: how deep, how many, how long."""

from types import NoneType
from typing import Any

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

MOST_DEPTH, MOST_VALUES = 12, 20_000  # a config has some 250, 4 deep
MOST_KEY, MOST_TEXT = 200, 100_000  # characters
MOST_WORD = 1000  # characters of what yaml takes for a number
PLAIN = {float, bool, NoneType}  # and what is looked at: dicts, lists, texts and whole numbers
LARGEST = 2**63  # whole numbers that other programs read
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # ten times as fast where it is there
TEXT, NO_KEY = "tag:yaml.org,2002:str", object()
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
            kind = type(value)
            if kind is dict:
                _check_keys(value)
                inner += value.values()
            elif kind is list:
                inner += value
            elif kind is str:
                if len(value) > MOST_TEXT:
                    raise ValueError(f"a text of {len(value)} characters")
            elif kind is int:
                if not -LARGEST <= value < LARGEST:
                    raise ValueError("a whole number of more than 64 bits")
            elif kind not in PLAIN:
                raise ValueError(f"a {kind.__name__}, no plain value")
        level = inner


def load_yaml(content: bytes) -> Any:
    """The plain values of a yaml text, which may hold no aliases: a few lines of them never end.

    They are put together here, from what the parser finds, without a call of anything it names.

    Raises:
        ValueError: it is no yaml, holds an alias or a tag, or is what `check_plain` refuses.
    """
    builder = _Builder()
    try:
        for event in yaml.parse(content, Loader=LOADER):
            builder.take(event)
    except yaml.YAMLError as error:
        raise ValueError(f"not yaml: {' '.join(str(error).split())[:200]}") from error
    check_plain(builder.value)
    return builder.value


class _Builder(SafeConstructor, Resolver):
    """Puts values together, depth by depth, from the events of a yaml text."""

    def __init__(self) -> None:
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self.value: Any = None
        self.open, self.keys, self.count = [], [], 0  # containers, and the last key of each

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        self.count += 1
        if self.count > 2 * MOST_VALUES:
            raise ValueError(f"it holds more than {MOST_VALUES} values")
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1
            raise ValueError(f"line {line}: an alias, *{event.anchor[:40]}, which no run writes")
        if isinstance(event, yaml.ScalarEvent):
            self._put(self._scalar(event))
        elif isinstance(event, OPENS):
            if event.tag:
                raise ValueError(f"a tag, {event.tag[:40]}, which no run writes")
            inner = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            self._put(inner)
            self.open.append(inner)
            self.keys.append(NO_KEY)
            if len(self.open) > MOST_DEPTH:
                raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
        elif isinstance(event, CLOSES):
            self.open.pop()
            self.keys.pop()

    def _put(self, value: Any) -> None:
        if not self.open:
            self.value = value
        elif isinstance(self.open[-1], list):
            self.open[-1].append(value)
        elif self.keys[-1] is NO_KEY:
            if not isinstance(value, str):
                raise ValueError(f"a key is a {type(value).__name__}, no text")
            self.keys[-1] = value
        else:
            self.open[-1][self.keys[-1]] = value
            self.keys[-1] = NO_KEY

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        """A quoted word as it is; any other as what it stands for: a number, true, null."""
        if event.tag:
            raise ValueError(f"a tag, {event.tag[:40]}, which no run writes")
        if not event.implicit[0]:
            return event.value
        tag = self.resolve(yaml.ScalarNode, event.value, (True, False))
        if tag == TEXT:
            return event.value
        if len(event.value) > MOST_WORD:
            raise ValueError(f"a number of {len(event.value)} characters")
        try:
            return self.construct_object(yaml.ScalarNode(tag, event.value))
        except Exception as error:  # numbers and dates that are none fail in any way
            raise ValueError(f"{event.value[:40]!r} is no {tag.rpartition(':')[2]}") from error


def _check_keys(values: dict[Any, Any]) -> None:
    for key in values:
        if type(key) is not str:
            raise ValueError(f"a key is a {type(key).__name__}, no text")
        if len(key) > MOST_KEY:
            raise ValueError(f"a key of {len(key)} characters")
