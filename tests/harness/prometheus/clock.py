"""A clock that runs faster: every duration of rules, monitors and dashboards divided by the same number.

An alert looks back over hours. With everything sped up alike (how often is scraped and looked at, how
long rates look back, how long alerts are held back, the window of drift) Prometheus sees as many samples
in each window as it would in its own time, and all that is said of them stays as it is.
"""

from __future__ import annotations

import re
from typing import Any

from aimass_compiler.catalog.quantities import Duration

#: A duration as a window or behind `offset`; names such as `bad_ratio_rate5m` stay as they are.
_WITHIN = re.compile(r"(?<=\[)\d+[smhd](?=[\] ])|(?<=\boffset )\d+[smhd]\b")


def faster(duration: str, times: float) -> str:
    """A duration, in whole milliseconds."""
    return f"{max(1, round(Duration(duration).seconds * 1000 / times))}ms"


def faster_query(query: str, times: float) -> str:
    """PromQL that looks back less far."""
    return _WITHIN.sub(lambda found: faster(found[0], times), query)


def faster_rules(spec: dict[str, Any], times: float) -> dict[str, Any]:
    """The groups of a PrometheusRule; nothing but durations differs."""
    return {
        "groups": [
            {**group, "rules": [_faster_rule(rule, times) for rule in group["rules"]]}
            for group in spec["groups"]
        ]
    }


def _faster_rule(rule: dict[str, Any], times: float) -> dict[str, Any]:
    held = {"for": faster(rule["for"], times)} if "for" in rule else {}
    return {**rule, "expr": faster_query(rule["expr"], times), **held}
