"""Where records of predictions are kept, and what brings them there."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.pipeline.gitops import PLACE
from aimass_compiler.pipeline.monitoring import Schedule


def _is_store(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator or scheme not in ("s3", "gs", "file") or not rest.strip("/") or set(url) & set(" \"'`$"):
        raise PydanticCustomError(
            "store", "`{url}` is no URL of an object store, such as `s3://bucket/path`", {"url": url}
        )
    return url.rstrip("/")


#: An object store, or a folder that every node mounts.
StoreUrl = Annotated[str, AfterValidator(_is_store)]


def _is_collected(url: str) -> str:
    if url.startswith("gs://"):
        message = "collectors write to `s3://…` or `file:///…`; no released one writes to `gs://…`"
        raise PydanticCustomError("store", message)
    return url


class RecordStore(Frozen):
    """The store of prediction records, and what brings them there."""

    store: Annotated[StoreUrl, AfterValidator(_is_collected)]
    """The object store, such as `s3://acme-predictions/ml`, or `file:///…`, a folder that is mounted on every
    node under this path."""
    collector: Literal["otel"] = "otel"
    """What reads the records on each node: the OpenTelemetry Collector."""
    image: str = "otel/opentelemetry-collector-contrib:0.165.1"
    """The collector's image; pin it by digest."""
    namespace: str = Field("aimass-logs", pattern=PLACE)
    """Where the collector and the job that makes tables of records run."""
    secret: str = Field("aimass-records", pattern=PLACE)
    """The Secret of each namespace with models whose entry `AIMASS_RECORD_KEY` personal values are hashed
    with; in `namespace`, its entries are what the store is reached with, such as `AWS_ACCESS_KEY_ID`."""
    schedule: Schedule = "17 * * * *"
    """When records become tables."""

    @property
    def folder(self) -> str | None:
        """The folder of each node that is the store; None where the store is none."""
        return self.store.removeprefix("file://") if self.store.startswith("file://") else None
