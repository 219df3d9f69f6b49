"""Plain values of anybody's json and yaml are few, short and not deep; yaml has no aliases."""

from pathlib import Path

import pytest
import yaml
from omegaconf import OmegaConf

from aa.runs.plain_values import check_plain, load_yaml

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize("file", sorted(CONF.rglob("*.yaml")), ids=lambda file: file.stem)
def test_yaml_of_configs_is_read_as_its_library_reads_it(file):
    text = OmegaConf.to_yaml(OmegaConf.load(file))
    assert load_yaml(text.encode()) == yaml.safe_load(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [("- a=1\n- 'x: y'\n- 12", ["a=1", "x: y", 12]), ("", None), ("a: ~", {"a": None})],
)
def test_words_and_numbers_are_told_apart(text, value):
    assert load_yaml(text.encode()) == value


BOMB = "- &a [x,x,x]\n" + "".join(f"- &{b} [*{a},*{a},*{a}]\n" for a, b in ("ab", "bc", "cd"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, r"line 2: an alias, \*a,"),
        ("a: &a {b: 1}\nc: {<<: *a}", "is no merge"),
        ("!!python/object/apply:os.system [ls]", "a tag"),
        ("!!int ''", "a tag"),
        ("[" * 5000, "nested more than 12 deep"),
        ("- " * 50_000, "nested more than 12 deep"),
        ("- x\n" * 50_000, "more than 20000 values"),
        ("1" + ":00" * 5000, "a number of 15001 characters"),
        ("2024-13-45", "is no timestamp"),
        ("2024-12-24", "a date, no plain value"),
        ("? [1]\n: 2", "a key is a list, no text"),
        ("a: [", "not yaml"),
        ("\x01", "not yaml"),
    ],
)
def test_what_nobody_writes_is_refused(text, reason):
    with pytest.raises(ValueError, match=reason):
        load_yaml(text.encode())


def nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (nested(13), "nested more than 12 deep"),
        ([0] * 20_001, "more than 20000 values"),
        ({"k" * 201: 1}, "a key of 201 characters"),
        (["t" * 100_001], "a text of 100001 characters"),
        ([2**63], "more than 64 bits"),
        ({1: 2}, "a key is a int"),
    ],
)
def test_plain_values_have_limits(values, reason):
    with pytest.raises(ValueError, match=reason):
        check_plain(values)


def test_numbers_at_the_border_are_plain():
    check_plain([-(2**63), 2**63 - 1, 1e308, float("nan"), True, None])
