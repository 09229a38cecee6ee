"""What the page of a report is made of: its frame, tables and figures, as HTML."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#22262b;background:#f6f7f8;margin:0}
main{max-width:62rem;margin:0 auto;padding:2rem 1.2rem 4rem}
h1{font-size:1.7rem;margin:0 0 .3rem}h2{font-size:1.15rem;margin:2.2rem 0 .6rem}
.sub{color:#667;margin:0 0 1.4rem}
.verdict{padding:.8rem 1rem;border-left:5px solid #c28a2c;background:#fff;margin:.5rem 0}
.verdict.yes{border-color:#1b8a6b}.verdict.no{border-color:#b23b3b}
.tiles{display:flex;gap:.8rem;flex-wrap:wrap}
.tile{background:#fff;padding:.7rem 1rem;border-radius:6px;min-width:7.5rem}
.tile b{display:block;font-size:1.35rem}.tile span{color:#667;font-size:.85rem}
table{border-collapse:collapse;background:#fff;width:100%;font-variant-numeric:tabular-nums}
th,td{padding:.4rem .6rem;text-align:right;border-bottom:1px solid #e6e8ea;font-size:.88rem}
th:first-child,td:first-child{text-align:left}
figure{background:#fff;margin:0;padding:.6rem;border-radius:6px;display:inline-block}
figure svg{max-width:100%;height:auto}.row{display:flex;gap:1rem;flex-wrap:wrap}
figcaption{color:#667;font-size:.85rem}
"""


def page(title: str, body: Iterable[str]) -> str:
    """Return the whole page of some parts, which are HTML already."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f"<style>{_STYLE}</style><main>{''.join(body)}</main></html>"
    )


def table(heads: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; heads and cells are escaped."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    lines = ("".join(f"<td>{escape(cell)}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def figure(svg: str, caption: str) -> str:
    """Return a plot with what is said below it."""
    return f"<figure>{svg}<figcaption>{escape(caption)}</figcaption></figure>"
