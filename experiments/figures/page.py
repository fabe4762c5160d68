"""A matplotlib page laid out in inches, whose words are wrapped by their measured width."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

DPI = 200  # a page of 9 inches is 1,800 pixels wide and stays legible at 900


class Page:
    """A white figure of ``width`` by ``height`` [inches]; y is measured from the top."""

    def __init__(self, plt: Any, width: float, height: float):
        self.width, self.height = width, height
        self.figure = plt.figure(figsize=(width, height), dpi=DPI, facecolor="white")

    def axes(self, left: float, top: float, right: float, bottom: float) -> Any:
        """Axes between these edges."""
        box = (left / self.width, 1.0 - bottom / self.height)
        return self.figure.add_axes((*box, (right - left) / self.width, (bottom - top) / self.height))

    def text(self, x: float, y: float, words: str, **how: Any) -> Any:
        """Words at a place, not read as formulas."""
        how = {"ha": "left", "va": "top", "parse_math": False} | how
        return self.figure.text(x / self.width, 1.0 - y / self.height, words, **how)

    def lines(self, y: float, lines: Sequence[str], size: float, x: float = 0.12, **how: Any) -> float:
        """Lines from y downwards; returns where the next would stand."""
        for line in lines:
            self.text(x, y, line, size=size, **how)
            y += pitch(size)
        return y


def pitch(size: float) -> float:
    """Height [inches] of a line of that size [points]."""
    return 1.32 * size / 72.0


class Ruler:
    """Widths [inches] of words in matplotlib's font, of all words or of parts that fit."""

    def __init__(self) -> None:
        from matplotlib.backends.backend_agg import RendererAgg
        from matplotlib.font_manager import FontProperties

        make: Any = RendererAgg
        self._renderer, self._font = make(8, 8, 72.0), FontProperties

    def __call__(self, words: str, size: float, *, bold: bool = False) -> float:
        font = self._font(size=size, weight="bold" if bold else "normal")
        return float(self._renderer.get_text_width_height_descent(words, font, False)[0]) / 72.0

    def wrap(self, words: str, size: float, room: float, *, bold: bool = False) -> list[str]:
        """Lines no wider than ``room`` [inches]; a word that is wider is broken."""
        lines = [""]
        for word in words.split():
            longer = f"{lines[-1]} {word}".strip()
            if self(longer, size, bold=bold) <= room:
                lines[-1] = longer
                continue
            while self(word, size, bold=bold) > room:
                cut = next(k for k in range(len(word) - 1, 0, -1) if k == 1 or self(word[:k], size, bold=bold) <= room)
                lines.append(word[:cut])
                word = word[cut:]
            lines.append(word)
        return [line for line in lines if line]

    def fit(self, words: str, size: float, room: float) -> str:
        """The words, shortened in their middle where they are wider than ``room``."""
        if self(words, size) <= room:
            return words
        for kept in range(len(words) - 1, 2, -1):
            short = f"{words[: kept - kept // 2]}…{words[len(words) - kept // 2 :]}"
            if self(short, size) <= room:
                return short
        return words[:2] + "…"
