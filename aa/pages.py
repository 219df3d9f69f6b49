"""HTML pages of reports: their frame, style sheet and tables. Texts are escaped here or by callers.

Arguments named `content`, `parts` and `cells` are HTML already; all others are plain text.
"""

import html

STYLE = """
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
"""
PAGE = """<!doctype html>
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
"""


def page(title, parts, *, style=""):
    """A whole page of a title and its parts, with rules that come after the common style."""
    return PAGE.format(title=html.escape(title), style=STYLE + style, body="\n".join(parts))


def table(titles, lines):
    """A table that scrolls inside the page; lines of (name, cells, whether it is ours)."""
    head = "".join(f"<th>{html.escape(title)}</th>" for title in titles)
    body = ""
    for name, cells, ours in lines:
        cells = "".join(f"<td>{cell}</td>" for cell in cells)
        body += f"<tr{' class=ours' if ours else ''}><td>{html.escape(name)}</td>{cells}</tr>\n"
    head = f"<tr>{head}</tr>\n" if any(titles) else ""
    return f'<div class="wide"><table>\n{head}{body}</table></div>\n'


def note(content):
    """A paragraph of small print."""
    return f'<p class="note">{content}</p>'
