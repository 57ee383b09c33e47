"""Charts as SVG, drawn on the server: no script, no request, the colours are the page's.

Each has a title and a sentence for whoever does not see it; the page puts a table of the same figures beside it.
Colours come by class (`series-1`, `series-2`), because a page's policy allows no style in an element.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from itertools import count
from math import ceil, log10

_WIDTH, _HEIGHT = 760, 220
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 14, 28
_INSIDE, _FLOOR = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _BOTTOM
_LABELS = 8  # of many columns or points, so that they do not meet
_numbers = count(1)


def columns(title: str, about: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Columns beside each other for each label, one of each series.

    Args:
        title: What is shown.
        about: The same in a sentence, with what there is to see.
        labels: Below the columns; where they are many, only some are written.
        series: Name to as many values as there are labels, none below 0.
    """
    top = _top(max((value for values in series.values() for value in values), default=0))
    wide = 0.8 / len(series)
    boxes = (
        _Box(number, name, place, 0.1 + (number - 1) * wide, wide, 0, value, corner=1)
        for number, (name, values) in enumerate(series.items(), 1)
        for place, value in enumerate(values)
    )
    return _of_boxes(title, about, labels, top, boxes)


def stacked(title: str, about: str, labels: Sequence[str], series: Mapping[str, Sequence[float]]) -> str:
    """Columns as `columns` has them, of which those of a label stand on each other."""
    sums = [0.0] * len(labels)
    boxes: list[_Box] = []
    for number, (name, values) in enumerate(series.items(), 1):
        boxes += [_Box(number, name, place, 0.15, 0.7, sums[place], value) for place, value in enumerate(values)]
        sums = [below + value for below, value in zip(sums, values, strict=True)]
    return _of_boxes(title, about, labels, _top(max(sums, default=0)), boxes)


@dataclass(frozen=True)
class _Box:
    """A part of a column: `left` and `wide` are shares of a label's place, `below` and `value` are on the scale."""

    series: int
    name: str
    place: int
    left: float
    wide: float
    below: float
    value: float
    corner: int = 0


def _of_boxes(title: str, about: str, labels: Sequence[str], top: float, boxes: Iterable[_Box]) -> str:
    step, unit = _INSIDE / max(1, len(labels)), (_FLOOR - _TOP) / top
    parts = [*_grid(top), *_below(labels, [_LEFT + (place + 0.5) * step for place in range(len(labels))])]
    for one in boxes:
        told = f"<title>{escape(f'{labels[one.place]}: {one.value:,} {one.name}')}</title>"
        x, y = _LEFT + (one.place + one.left) * step, _FLOOR - (one.below + one.value) * unit
        box = f'x="{x:.1f}" y="{y:.2f}" width="{one.wide * step:.1f}" height="{one.value * unit:.2f}" rx="{one.corner}"'
        parts.append(f'<rect class="series-{one.series}" {box}>{told}</rect>' if one.value else "")
    return drawing(title, about, _WIDTH, _HEIGHT, parts)


def line(title: str, about: str, points: Sequence[tuple[datetime, float]]) -> str:
    """One value over time, with what is below it filled; `points` are in order."""
    top = _top(max((value for _, value in points), default=0))
    first, last = (points[0][0], points[-1][0]) if points else (datetime.now(UTC), datetime.now(UTC))
    long = (last - first).total_seconds() or 1
    at = [_LEFT + _INSIDE * (when - first).total_seconds() / long for when, _ in points]
    up = [_FLOOR - (_FLOOR - _TOP) * value / top for _, value in points]
    drawn = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(at, up, strict=True))
    shown = "%d %b %Y" if long > 2 * 86_400 else "%d %b %H:%M"
    parts = [*_grid(top), *_below([when.strftime(shown) for when, _ in points], at)]
    if points:
        parts.append(f'<polygon class="area" points="{at[0]:.1f},{_FLOOR} {drawn} {at[-1]:.1f},{_FLOOR}"/>')
        parts.append(f'<polyline class="line" fill="none" stroke-width="2" points="{drawn}"/>')
    return drawing(title, about, _WIDTH, _HEIGHT, parts)


def share(value: float, of: float) -> str:
    """A bar for one row of a table, which has the figure beside it."""
    part = 100 * value / of if of else 0
    box = f'<rect class="series-1" width="{part:.1f}%" height="8" rx="2"/>'
    return f'<svg class="share" width="100%" height="8" aria-hidden="true" focusable="false">{box}</svg>'


def drawing(title: str, about: str, width: int, height: int, parts: Sequence[str], more: str = "") -> str:
    """An SVG that tells what it is; `more` is a class beside `chart`."""
    mine = f"chart-{next(_numbers)}"
    named = f'role="img" aria-labelledby="{mine}-title {mine}-about"'
    told = f'<title id="{mine}-title">{escape(title)}</title><desc id="{mine}-about">{escape(about)}</desc>'
    box = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    return f'<svg class="{f"chart {more}".strip()}" {box} {named}>{told}{"".join(parts)}</svg>'


def _top(most: float) -> float:
    """A round figure that is not below the largest one."""
    if most <= 4:
        return max(1, ceil(most))
    unit = float(10 ** int(log10(most)))
    return next(unit * some for some in (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if unit * some >= most)


def _grid(top: float) -> Iterator[str]:
    parts = int(top) if top <= 4 else next((some for some in (4, 5, 3) if top % some == 0), 4)
    for part in range(parts + 1):
        y = _FLOOR - (_FLOOR - _TOP) * part / parts
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text class="label" x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{top * part / parts:,.10g}</text>'


def _below(labels: Sequence[str], at: Sequence[float]) -> Iterator[str]:
    every = ceil(len(labels) / _LABELS) if len(labels) > 12 else 1
    for place in range(0, len(labels), every):
        x = min(at[place], _WIDTH - _RIGHT - 34)
        yield f'<text class="label" x="{x:.1f}" y="{_HEIGHT - 8}" text-anchor="middle">{escape(labels[place])}</text>'
