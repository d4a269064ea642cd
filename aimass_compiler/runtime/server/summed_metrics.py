"""Pages of metrics of several workers as one: what they counted is added up.

Source of the format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from prometheus_client.utils import floatToGoString

from aimass_compiler import conventions, drift_methods

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_HELP = b"# HELP "
_GAUGE = b" gauge"
#: The same of each worker, or computed for all by the one that is asked.
_OF_ONE = frozenset(
    name.encode()
    for name in (
        conventions.METRIC_MODEL_INFO,
        conventions.METRIC_TRAINED,
        *(conventions.SERIES_DRIFT.format(method=name) for name in drift_methods.names()),
        conventions.METRIC_DRIFT_ROWS,
        "process_start_time_seconds",
        "process_max_fds",
    )
)


class _Family(NamedTuple):
    """One metric: its two lines of comments, and its series in order."""

    head: bytes
    series: dict[bytes, float]

    @property
    def name(self) -> bytes:
        return self.head[len(_HELP) :].split(b" ", 1)[0]

    @property
    def is_gauge(self) -> bool:
        return self.head.endswith(_GAUGE)


def _families(page: bytes) -> Iterable[_Family]:
    for text in page.split(_HELP)[1:]:
        about, kind, *lines = text.splitlines()
        pairs = (line.rpartition(b" ") for line in lines if line)
        yield _Family(b"%s%s\n%s" % (_HELP, about, kind), {name: float(value) for name, _, value in pairs})


def _number(value: float) -> bytes:
    return str(floatToGoString(value)).encode()  # type: ignore[no-untyped-call]  # untyped there


def _written(families: Mapping[bytes, _Family]) -> bytes:
    return b"".join(
        b"%s\n%s"
        % (
            family.head,
            b"".join(b"%s %s\n" % (name, _number(value)) for name, value in family.series.items()),
        )
        for family in families.values()
    )


def _add(total: dict[bytes, _Family], family: _Family) -> None:
    into = total.setdefault(family.name, _Family(family.head, {})).series
    for name, value in family.series.items():
        into[name] = into.get(name, 0.0) + value


def summed(pages: list[bytes], gone: list[bytes]) -> bytes:
    """The sum of `pages`, the first of which is of who was asked, and of what those counted that are gone."""
    total = {family.name: family for family in _families(pages[0])}
    for page in pages[1:]:
        for family in _families(page):
            if family.name not in _OF_ONE:
                _add(total, family)
    for page in gone:
        for family in _families(page):
            _add(total, family)
    return _written(total)


def counted(pages: list[bytes]) -> bytes:
    """The sum of what only ever grows."""
    total: dict[bytes, _Family] = {}
    for page in pages:
        for family in _families(page):
            if not family.is_gauge and family.name not in _OF_ONE:
                _add(total, family)
    return _written(total)
