"""Charts of Vega-Lite, of columns that are always called alike: names of data never become expressions.

So names are sorted as they come: a list to sort by would be compiled into an expression of these names.
Source: https://vega.github.io/vega-lite/docs/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]

_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_HEIGHT, _BAR_HEIGHT = 260, 22
#: Up to so many values each has its point.
_DOTTED = 60
_TICKS = 12


def lines(rows: Iterable[Row], x: str, y: str, *, zero: bool = False, diagonal: bool = False) -> Row:
    """Lines of `x` and `y`, one for each `series`; with the diagonal on which both are alike."""
    values = list(rows)
    is_counted = bool(values) and all(float(row["x"]).is_integer() for row in values)
    encoding: dict[str, Any] = {
        "x": _counted("x", x, values) if is_counted else _axis("x", x, zero=zero),
        "y": _axis("y", y, zero=zero),
        "tooltip": [_shown("x", x), _shown("y", y)],
    }
    if len({row.get("series") for row in values}) > 1:
        encoding["color"] = {"field": "series", "type": "nominal", "title": None, "sort": None}
        encoding["strokeDash"] = {"field": "series", "type": "nominal", "title": None, "sort": None}
        encoding["tooltip"].append({"field": "series", "type": "nominal", "title": "line"})
    drawn = {"mark": {"type": "line", "point": len(values) <= _DOTTED, "clip": True}, "encoding": encoding}
    return _chart(values, drawn, *([_DIAGONAL] if diagonal else []))


def points(rows: Iterable[Row], x: str, y: str, *, line: str = "", is_counted: bool = False) -> Row:
    """A point for each row, of which `x` may be counted; with the diagonal, or a horizontal line at zero."""
    values = list(rows)
    encoding = {
        "x": _counted("x", x, values) if is_counted else _axis("x", x),
        "y": _axis("y", y),
        "tooltip": [_shown("x", x), _shown("y", y)],
    }
    drawn = {"mark": {"type": "point", "filled": True, "opacity": 0.5, "size": 24}, "encoding": encoding}
    extra = {"diagonal": [_between(values)], "zero": [_ZERO], "": []}[line]
    return _chart(values, drawn, *extra)


def steps_to_best(rows: Iterable[Row], x: str, y: str) -> Row:
    """The `y` of each trial, and the `best` so far."""
    values = list(rows)
    points_of = {
        "mark": {"type": "point", "filled": True, "size": 40, "opacity": 0.7},
        "encoding": {
            "x": _counted("x", x, values),
            "y": _axis("y", y),
            "tooltip": [
                _shown("x", x),
                _shown("y", y),
                {"field": "label", "type": "nominal", "title": "tried"},
            ],
        },
    }
    best = {
        "mark": {"type": "line", "interpolate": "step-after"},
        "encoding": {"x": _counted("x", x, values), "y": _axis("best", y)},
    }
    return _chart(values, best, points_of)


def bars(rows: Iterable[Row], x: str, *, has_spread: bool = False) -> Row:
    """A bar `x` for each `label`, in the order given; with its `low` and `high` where they are known."""
    values = list(rows)
    place = {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 220}}
    drawn: list[dict[str, Any]] = [
        {
            "mark": {"type": "bar"},
            "encoding": {
                "y": place,
                "x": {**_axis("x", x, zero=True), "axis": {"tickCount": _TICKS}},
                "tooltip": [{"field": "label", "type": "nominal", "title": "name"}, _shown("x", x)],
            },
        }
    ]
    if has_spread:
        ends = {"x": {"field": "low", "type": "quantitative", "title": x}, "x2": {"field": "high"}}
        drawn.append({"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {"y": place, **ends}})
    return {**_chart(values, *drawn), "height": _BAR_HEIGHT * len(values)}


def heat(rows: Iterable[Row], x: str, y: str, color: str, count: int) -> Row:
    """A field for each of so many `x` and `y`, the darker the larger its `share`, with its `count`."""
    place = {"type": "nominal", "sort": None, "axis": {"labelLimit": 120}}
    across, down = {**place, "field": "x", "title": x}, {**place, "field": "y", "title": y}
    rows_of = {"field": "count", "type": "quantitative", "title": color}
    field = {
        "mark": {"type": "rect"},
        "encoding": {
            "x": across,
            "y": down,
            "color": {
                "field": "share", "type": "quantitative", "legend": None,
                "scale": {"scheme": "blues", "domain": [0, 1]},
            },
            "tooltip": [
                {"field": "y", "type": "nominal", "title": y},
                {"field": "x", "type": "nominal", "title": x},
                rows_of,
            ],
        },
    }  # fmt: skip
    dark = {"test": "datum.share > 0.5", "value": "white"}
    text = {
        "mark": {"type": "text"},
        "encoding": {"x": across, "y": down, "text": rows_of, "color": {"condition": dark, "value": "black"}},
    }
    return {**_chart(list(rows), field, text), "height": max(120, min(480, 40 * count))}


def histogram(rows: Iterable[Row], x: str) -> Row:
    """How many rows have which `x`."""
    drawn = {
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "x", "type": "quantitative", "bin": {"maxbins": 40}, "title": x},
            "y": {"aggregate": "count", "type": "quantitative", "title": "rows"},
        },
    }
    return _chart(list(rows), drawn)


def parallel(trials: Sequence[Mapping[str, float | None]], axes: Sequence[tuple[str, str]]) -> Row:
    """A line for each trial through its places on all axes, each from 0 to 1; the last axis colours it.

    `axes` are the names of the columns, `a0`, `a1` and so on, with what stands below them.
    """
    places = [name for name, _ in axes]
    titles = dict(axes)
    long = [
        {"trial": number, "axis": titles[name], "place": trial[name], "value": trial[places[-1]]}
        for number, trial in enumerate(trials, 1)
        for name in places
        if trial[name] is not None
    ]
    drawn = {
        "mark": {"type": "line", "opacity": 0.7, "point": True},
        "encoding": {
            "x": {
                "field": "axis", "type": "nominal", "sort": None, "title": None,
                "axis": {"labelAngle": 0, "grid": True},
            },
            "y": {
                "field": "place", "type": "quantitative", "title": "from least to most",
                "axis": {"labels": False},
            },
            "color": {
                "field": "value", "type": "quantitative", "legend": None, "scale": {"scheme": "viridis"},
            },
            "detail": {"field": "trial"},
            "tooltip": [{"field": "trial", "type": "nominal", "title": "trial"}],
        },
    }  # fmt: skip
    return _chart(long, drawn)


def _chart(values: Sequence[Row], *layers: Row) -> dict[str, Any]:
    return {
        "$schema": _SCHEMA,
        "width": "container",
        "autosize": {"type": "fit-x", "contains": "padding"},
        "height": _HEIGHT,
        "data": {"values": list(values)},
        "layer": list(layers),
    }


def _axis(field: str, title: str, *, zero: bool = False) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "scale": {"zero": zero, "nice": True}}


def _counted(field: str, title: str, rows: Sequence[Row]) -> dict[str, Any]:
    """An axis of whole numbers, not too many of which are written."""
    first, last = (int(end(row[field] for row in rows)) for end in (min, max))
    step = max(1, -(-(last - first) // _TICKS))
    axis = {"values": list(range(first, last + 1, step)), "format": "d"}
    return {**_axis(field, title), "scale": {"zero": False, "nice": False}, "axis": axis}


def _shown(field: str, title: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative", "title": title, "format": ".4~g"}


def _between(rows: Sequence[Row]) -> dict[str, Any]:
    """The diagonal over all that there is."""
    both = [float(row[name]) for row in rows for name in ("x", "y")] or [0.0, 1.0]
    ends = [{"x": end, "y": end} for end in (min(both), max(both))]
    return {**_DIAGONAL, "data": {"values": ends}}


_DIAGONAL: dict[str, Any] = {
    "data": {"values": [{"x": 0, "y": 0}, {"x": 1, "y": 1}]},
    "mark": {"type": "line", "strokeDash": [4, 4], "strokeWidth": 1, "color": "#888"},
    "encoding": {"x": {"field": "x", "type": "quantitative"}, "y": {"field": "y", "type": "quantitative"}},
}
_ZERO: dict[str, Any] = {
    "data": {"values": [{"y": 0}]},
    "mark": {"type": "rule", "strokeDash": [4, 4], "color": "#888"},
    "encoding": {"y": {"field": "y", "type": "quantitative"}},
}
