"""Pieces of HTML; every word that comes from outside is escaped here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import NamedTuple


class Raw(NamedTuple):
    """Text that is HTML already."""

    html: str


Words = str | Raw


def safe(words: Words) -> str:
    """Words as HTML."""
    return words.html if isinstance(words, Raw) else escape(words)


def tag(name: str, *content: Words, **attributes: str) -> Raw:
    """An element; a trailing underscore of an attribute's name is dropped, others become hyphens."""
    listed = "".join(f' {key.rstrip("_").replace("_", "-")}="{escape(value)}"' for key, value in attributes.items())
    return Raw(f"<{name}{listed}>{''.join(map(safe, content))}</{name}>")


def join(parts: Iterable[Words], between: str = "") -> Raw:
    """One after the other."""
    return Raw(between.join(map(safe, parts)))


def head(words: str, unit: str = "") -> Raw:
    """The head of a column, its unit below."""
    return Raw(f"{escape(words)}<span>{escape(unit)}</span>" if unit else escape(words))


def table(
    head: Sequence[Words], rows: Iterable[Sequence[Words]], caption: str = "", *, left: int = 1, css: str = ""
) -> Raw:
    """A table that scrolls by itself where it is too wide; the first ``left`` columns are words, the others numbers."""

    def cell(name: str, words: Words, column: int) -> Raw:
        scope = {"scope": "col"} if name == "th" else {}
        return tag(name, words, **scope, **({} if column < left else {"class_": "n"}))

    def line(cells: Sequence[Words]) -> Raw:
        first = tag("th", cells[0], scope="row")
        return tag("tr", first, *(cell("td", words, k) for k, words in enumerate(cells[1:], 1)))

    whole = tag(
        "table",
        tag("thead", tag("tr", *(cell("th", words, k) for k, words in enumerate(head)))),
        tag("tbody", *(line(cells) for cells in rows)),
        class_=css or "plain",
    )
    label = caption or "Table: " + ", ".join(words for words in head if isinstance(words, str))
    scroll = tag("div", whole, class_="scroll", tabindex="0", role="region", aria_label=label)
    return join([tag("p", caption, class_="caption"), scroll]) if caption else scroll


def chip(css: str, label: str) -> Raw:
    """An arm's name beside its colour."""
    return join([tag("span", "", class_=f"chip {css.split()[0]}"), label])


def details(summary: str, *content: Words) -> Raw:
    """What is there for those who want it."""
    return tag("details", tag("summary", summary), *content)
