"""The page of all config keys, from the schemas: `python tests/config/keys_page.py --write`.

What a key is stands beside its field, as a comment.
"""

import ast
import inspect
import io
import sys
import tokenize
from dataclasses import MISSING as NO_DEFAULT
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args, get_origin, get_type_hints

from omegaconf import MISSING

from aa.cli.resolvers import SCHEMAS
from aa.config.texts import literal

PAGE = Path(__file__).parents[2] / "docs" / "keys.md"
HEAD = """# All keys

Every key of every config, as the schemas in `aa/config/` have it, by the groups of `conf/`. A key
without a default gets its value from `conf/`, or must be given; `--cfg job` shows the values of a
command. Written by `python tests/config/keys_page.py --write`, checked by a test.
"""


def comments(schema):
    """{field: the comment beside it} of a dataclass and of those that it is made from."""
    found = {}
    for owner in reversed(schema.__mro__[:-1]):
        source = inspect.getsource(owner)
        tokens = tokenize.generate_tokens(io.StringIO(source).readline)
        said = {t.start[0]: t.string.lstrip("# ") for t in tokens if t.type == tokenize.COMMENT}
        for node in ast.parse(source).body[0].body:
            if isinstance(node, ast.AnnAssign):
                lines = range(node.lineno, node.end_lineno + 1)
                found[node.target.id] = next((said[n] for n in lines if n in said), None)
    return found


def group_of(hint):
    """The dataclass that a key holds, None where it holds a value."""
    return next(filter(is_dataclass, (hint, *get_args(hint))), None)


def keys(schema, prefix="", values=None):
    """Yield (dotted key, type, default, what it is) of the values of a dataclass and its groups."""
    hints, said = get_type_hints(schema), comments(schema)
    for field in fields(schema):
        hint, name = hints[field.name], f"{prefix}{field.name}"
        default = getattr(values, field.name) if values else default_of(field)
        group = group_of(hint)
        if group is None or default is None:
            yield name, type_of(hint), spelled(default), said[field.name]
        if group is not None and field.name != "next_stage":  # its keys are those of stage
            yield from keys(group, f"{name}.", default if is_dataclass(default) else None)


def type_of(hint):
    """A type, as a reader of yaml calls it."""
    inner = [type_of(part) for part in get_args(hint)]
    if get_origin(hint) is list:
        return f"list of {inner[0]}"
    if get_origin(hint) is dict:
        return f"{inner[1]} by {inner[0]}"
    if inner:
        return " or ".join(inner)
    names = {"str": "text", "NoneType": "null", "bool": "true or false", "Any": "int or text"}
    return "group" if is_dataclass(hint) else names.get(hint.__name__, hint.__name__)


def default_of(field):
    """The default of a field, `MISSING` where there is none."""
    if field.default_factory is not NO_DEFAULT:
        return field.default_factory()
    return MISSING if field.default is NO_DEFAULT else field.default


def spelled(value):
    """A default as yaml has it; nothing where there is none."""
    if value == MISSING:
        return ""
    return f"`{value if value and isinstance(value, str) else literal(value)}`"


def page():
    """Its text."""
    sections, seen = {}, set()
    for runner, schema in SCHEMAS.items():
        for key, *rest in keys(schema):
            group = key.partition(".")[0] if "." in key else f"runners/{runner}.py"
            if (key, group) not in seen:
                sections.setdefault(group, []).append((key, *rest))
                seen.add((key, group))
    return "\n".join([HEAD, *(_section(*section) for section in sections.items())])


def _section(title, rows):
    lines = [f"## `{title}`", "", "| key | type | default | what it is |", "|---|---|---|---|"]
    for key, kind, default, said in rows:
        lines.append(f"| `{key}` | {kind} | {default} | {said} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(page())
    PAGE.write_text(page())
