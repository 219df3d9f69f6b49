"""HTML is a type: what is put into it is escaped, and only literals are HTML."""

import ast
from pathlib import Path

from aa.reports.pages import Html, joined, note, page, table

ROOT = Path(__file__).parents[2]
DRAWN = {"aa/reports/plots.py"}  # HTML that a library has made


def makes_html(node):
    """Whether a node is a call that takes anything but a literal for HTML."""
    called = getattr(node.func, "id", "") if isinstance(node, ast.Call) else ""
    return called in ("Html", "Markup") and not all(isinstance(a, ast.Constant) for a in node.args)


def test_only_literals_are_html():
    files = {file.relative_to(ROOT).as_posix(): file for file in (ROOT / "aa").rglob("*.py")}
    found = {
        n for n, f in files.items() if any(map(makes_html, ast.walk(ast.parse(f.read_text()))))
    }
    assert found == DRAWN


def test_a_text_in_html_is_escaped_whichever_way_it_comes_in():
    b = Html("<b>{}</b>")
    for html in (b.format("<i>"), joined(["<i>"]), Html("") + "<i>", note("<i>")):
        assert "<i>" not in html and "&lt;i&gt;" in html


def test_an_attribute_cannot_be_left():
    assert Html('<td title="{}">').format("\"'>") == '<td title="&quot;&#x27;&gt;">'


def test_html_in_html_stays_as_it_is():
    assert note(Html("a &plusmn; <b>{}</b>").format("&")) == (
        '<p class="note">a &plusmn; <b>&amp;</b></p>'
    )


def test_names_and_cells_of_a_table_are_texts():
    assert "<td>&lt;a&gt;</td><td>&lt;b&gt;</td>" in table(["", ""], [("<a>", ["<b>"], False)])


def test_a_part_that_forgets_to_be_html_is_shown_with_its_tags():
    assert "&lt;b&gt;x&lt;/b&gt;" in page("title", [f"<b>{Html('x')}</b>"])


def test_what_steers_a_terminal_or_the_order_of_letters_is_written_out():
    assert Html("{}").format("\x1b[2J\u202e\ud800\n\u00a0é") == "\\x1b[2J\\u202e\\ud800\n\u00a0é"
