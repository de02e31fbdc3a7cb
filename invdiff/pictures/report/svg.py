"""Diagrams as SVG: what all of them are made of."""

from collections.abc import Iterable

from invdiff.pictures.report.markup import escaped

WIDTH = 420
LEFT, RIGHT, TOP, BOTTOM = 44, 10, 10, 36
"""Margins around a diagram's axes."""


def figure(title: str, height: int, drawn: Iterable[str]) -> str:
    """A diagram beneath which its title stands."""
    said = escaped(title)
    return (
        f'<figure><svg role="img" aria-label="{said}" viewBox="0 0 {WIDTH} {height}">{"".join(drawn)}</svg>'
        f"<figcaption>{said}</figcaption></figure>"
    )


def axes(height: int) -> str:
    """The vertical axis and the horizontal one."""
    return f'<path class="axis" d="M{LEFT} {TOP}V{height - BOTTOM}H{WIDTH - RIGHT}"/>'


def reference(y: float) -> str:
    """A level that lines are held against."""
    return f'<path class="reference" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'


def text(x: float, y: float, words: str, anchor: str, kind: str = "") -> str:
    """Words that start, end or have their middle there."""
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text{of_kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escaped(words)}</text>'
