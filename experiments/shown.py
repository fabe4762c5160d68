"""Text of a folder that may be a stranger's, as it may stand on a terminal."""

from __future__ import annotations

import unicodedata

_NONE = ("Cc", "Cf", "Cs")  # control, format (such as the direction of writing), half characters


def shown(text: str) -> str:
    """The text with what would steer a terminal, but for line ends and tabs, spelt out: "\\x1b" for an escape.

    >>> shown("a\\x1b[2J")
    'a\\\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        ascii(each)[1:-1] if each not in "\n\t" and unicodedata.category(each) in _NONE else each for each in text
    )
