"""What else than CPU decides how many servers run: hours of the day, and whether requests come."""

from __future__ import annotations

from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Duration, Frozen, Integer, Within
from aimass_compiler.catalog.text_form import text_form
from aimass_compiler.pipeline.monitoring import Schedule

_DEFAULT_ZONE = "Etc/UTC"


def _has_clock(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, ZoneInfoNotFoundError):
        return False
    return True


def _is_known(name: str) -> str:
    if _has_clock(_DEFAULT_ZONE) and not _has_clock(name):  # some machines have no database of zones
        message, context = "there is no time zone `{name}`; write it like `Europe/Berlin`", {"name": name}
        raise PydanticCustomError("timezone", message, context)
    return name


_TimeZone = Annotated[
    str,
    *text_form("[A-Za-z]+([_+-][A-Za-z0-9]+)*(/[A-Za-z0-9_+-]+)*", "time zone", "`Europe/Berlin`"),
    AfterValidator(_is_known),
]


class ScheduledServers(Frozen):
    """Servers that run in some hours, whatever the load is."""

    start: Schedule
    """When these hours begin: `0 8 * * 1-5` is 8 o'clock from Monday to Friday."""
    end: Schedule
    """When they end: `0 18 * * 1-5`."""
    servers: Integer = Field(ge=1, le=1000)
    """How many servers run at least from one to the other."""
    timezone: _TimeZone = _DEFAULT_ZONE
    """The time zone of both, by its name in the IANA database, such as `Europe/Berlin`."""

    @model_validator(mode="after")
    def _lasts(self) -> Self:
        if self.start == self.end:
            raise PydanticCustomError("schedule", "`start` and `end` are the same time, so it never begins")
        return self


class Idle(Frozen):
    """When no server runs: KEDA's HTTP add-on holds the next request until one is up."""

    after: Annotated[Duration, Within("1m", "1d")] = Duration("15m")
    """How long no request must have come."""
    namespace: Annotated[
        str, *text_form("[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", "name of a namespace", "`keda`")
    ] = "keda"
    """Where KEDA's HTTP add-on runs."""
