"""Where the spans of requests go, and of how many."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen, Number

_ENDPOINT = r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~/-]*)?"
_PATH = "/v1/traces"
_PORTS = {"http": 80, "https": 443}


def _is_endpoint(value: str) -> str:
    port = value.rpartition(":")[2].partition("/")[0]
    if not re.fullmatch(_ENDPOINT, value) or (port.isdigit() and not 0 < int(port) < 2**16):
        message = "{shown} is not the address of a collector; write it like {example}"
        shown = {"shown": f"`{value}`", "example": "`http://collector.observability:4318`"}
        raise PydanticCustomError("endpoint", message, shown)
    if (base := value.rstrip("/").removesuffix(_PATH)) != value.rstrip("/"):
        message = "servers add `{path}` themselves; write `{base}`"
        raise PydanticCustomError("endpoint", message, {"path": _PATH, "base": base})
    return value


class Tracing(Frozen):
    """Spans of requests, exported by OTLP over HTTP."""

    endpoint: Annotated[
        str, AfterValidator(_is_endpoint), Field(json_schema_extra={"pattern": f"^({_ENDPOINT})$"})
    ]
    """The address of the collector, without `/v1/traces`: `http://collector.observability:4318`."""
    sample: Number = Field(0.1, ge=0, le=1)
    """The share of requests that are traced. A request with a `traceparent` is traced as its caller says."""

    @property
    def port(self) -> int:
        """The port of the collector."""
        parts = urlsplit(self.endpoint)
        return parts.port or _PORTS[parts.scheme]

    @property
    def namespace(self) -> str | None:
        """The namespace of the collector's Service, empty for the servers' own; None where it is outside."""
        name, *rest = (urlsplit(self.endpoint).hostname or "").split(".")
        if not rest:
            return ""
        is_service = len(rest) == 1 or rest[1] == "svc"
        return rest[0] if is_service and not name.isdigit() else None
