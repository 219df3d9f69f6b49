"""HTML pages of reports: their frame, style sheet and tables, and HTML as a separate type."""

import html
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

from aa.plain import printable


class Html(Markup):
    """HTML. What is formatted into it, joined or added to it is escaped, unless it is HTML too.

    Only literals become HTML: `Html("<p>{}</p>").format(text)`. An f-string is a plain text again,
    and a page shows its tags.
    """

    __slots__ = ()

    @classmethod
    def escape(cls, s: Any, /) -> "Html":
        """A text as HTML that shows it, control characters written out."""
        if hasattr(s, "__html__"):
            return cls(s.__html__())
        return cls(html.escape(printable(s, keep="\n\t")))


STYLE = Html("""
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto;
       padding: 0 1rem 3rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
img, video { max-width: 100%; height: auto; background: #fff; }
.wide { overflow-x: auto; }
.beside { display: flex; flex-wrap: wrap; gap: .7rem; }
.beside a { flex: 1 1 20rem; max-width: 50rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid #8885; }
td { white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 7rem; }
tr.ours td { font-weight: 600; }
pre { overflow-x: auto; padding: .7rem; border: 1px solid #8885; border-radius: .3rem; }
.note { font-size: .9rem; opacity: .8; }
@media (max-width: 40rem) { table { font-size: .8rem; } th, td { padding: .2rem .3rem; } }
""")
CELL, NOTHING = Html("<td>{}</td>"), Html("&ndash;")
PAGE = Html("""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
{body}
</body>
</html>
""")


def page(title: str, parts: Iterable[str], *, style: str = "") -> Html:
    """A whole page of a title and its parts, with rules that come after the common style."""
    return PAGE.format(title=title, style=STYLE + style, body=lines(parts))


def joined(parts: Iterable[str]) -> Html:
    """Parts as HTML, one directly after the other."""
    return Html("").join(parts)


def lines(parts: Iterable[str]) -> Html:
    """Parts as HTML, each on a separate line."""
    return Html("\n").join(parts)


def table(titles: Sequence[str], rows: Iterable[tuple[object, Sequence[object], bool]]) -> Html:
    """A table that scrolls inside the page; rows of (name, cells, whether it is ours)."""
    head = joined(Html("<th>{}</th>").format(title) for title in titles)
    body = joined(row(map(CELL.format, (name, *cells)), ours=ours) for name, cells, ours in rows)
    head = Html("<tr>{}</tr>\n").format(head) if any(titles) else ""
    return Html('<div class="wide"><table>\n{}{}</table></div>\n').format(head, body)


def row(cells: Iterable[str], *, ours: bool = False) -> Html:
    """A row of a table, of cells with their tags."""
    return Html("<tr{}>{}</tr>\n").format(" class=ours" if ours else "", joined(cells))


def note(content: str) -> Html:
    """A paragraph of small print."""
    return Html('<p class="note">{}</p>').format(content)
