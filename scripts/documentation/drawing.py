"""The few shapes that the pictures are made of, as SVG that takes the page's colours.

A picture is 400 wide and as high as it needs, so that it can be read on a phone.
"""

from collections.abc import Iterable
from html import escape

WIDTH = 400


def picture(name: str, title: str, about: str, height: int, parts: Iterable[str]) -> str:
    """A whole drawing; `title` and `about` are for whoever does not see it."""
    named = f'role="img" aria-labelledby="{name}-title {name}-about"'
    told = f'<title id="{name}-title">{escape(title)}</title><desc id="{name}-about">{escape(about)}</desc>'
    size = f'viewBox="0 0 {WIDTH} {height}" xmlns="http://www.w3.org/2000/svg"'
    return f'<svg class="{name}" {size} {named} font-family="inherit" font-size="12">{told}{"".join(parts)}</svg>'


def box(x: float, y: float, width: float, height: float, kind: str = "box") -> str:
    """A rectangle with round corners."""
    place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
    return f'<rect class="{kind}" {place} rx="6" fill="none" stroke="currentColor"/>'


def text(x: float, y: float, said: str, kind: str = "text", anchor: str = "start") -> str:
    """A line of text."""
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text class="{kind}" {place} fill="currentColor">{escape(said)}</text>'


def line(x: float, y: float, to_x: float, to_y: float, kind: str = "line") -> str:
    """A straight line."""
    return f'<path class="{kind}" d="M{x:g} {y:g}L{to_x:g} {to_y:g}" fill="none" stroke="currentColor"/>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A straight line down or to a side, with a head."""
    down, side = (1, 0) if to_y > y else (-1, 0) if to_y < y else (0, 1 if to_x > x else -1)
    back_x, back_y = to_x - 6 * side, to_y - 6 * down
    wing_x, wing_y = (4, 0) if side == 0 else (0, 4)
    head = f"M{back_x - wing_x:g} {back_y - wing_y:g}L{to_x:g} {to_y:g}L{back_x + wing_x:g} {back_y + wing_y:g}Z"
    return line(x, y, to_x, to_y) + f'<path class="head" d="{head}" fill="currentColor"/>'


def dot(x: float, y: float, kind: str = "dot", radius: float = 4) -> str:
    """A small disc."""
    return f'<circle class="{kind}" cx="{x:g}" cy="{y:g}" r="{radius:g}" fill="currentColor"/>'
