"""Whether a table writes the decimals of its numbers behind a comma, as spreadsheets in much of Europe do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aimass_compiler.catalog.sources.csv import DECIMAL_COMMA
from aimass_compiler.starter.marking import is_mark
from aimass_compiler.starter.observing import Sort

if TYPE_CHECKING:
    from aimass_compiler.starter.observing import Observation, Observed

_COMMA = re.compile(DECIMAL_COMMA)


def has_decimal_commas(observed: Observed) -> bool:
    """Whether a column holds numbers with commas, and nothing beside them but numbers and marks."""
    return any(map(_is_of_commas, observed.columns.values()))


def with_point(value: str) -> str:
    """The value as the csv source reads it where `decimal` is a comma."""
    return _COMMA.sub(r"\g<whole>.\g<decimals>", value)


def _is_of_commas(observation: Observation) -> bool:
    if not observation.found <= {Sort.NUMBER, Sort.NAME, Sort.BLANK} or Sort.NAME not in observation.found:
        return False
    others = [value for value in observation.values if not is_mark(value)]
    with_commas = [value for value in others if isinstance(value, str) and _COMMA.match(value)]
    return bool(with_commas) and len(with_commas) == sum(observation.is_name(value) for value in others)
