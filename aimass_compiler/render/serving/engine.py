"""What an engine is: a program that serves a package, and what its pods follow from and need for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.accelerator import Accelerator
    from aimass_compiler.pipeline.gateway_implementation import GatewayImplementation
    from aimass_compiler.pipeline.monitoring import Monitoring
    from aimass_compiler.pipeline.pod_settings import PodSettings
    from aimass_compiler.pipeline.serving import Serving
    from aimass_compiler.pipeline.settings import Settings

#: Until every proxy has heard that a pod is going, it is still sent requests.
PRE_STOP_SECONDS = 5


class Served(Struct, frozen=True):
    """A model as it is served in one place: all that its pods follow from."""

    model: str
    serving: Serving
    monitoring: Monitoring
    settings: Settings
    accelerator: Accelerator | None = None
    """What each server has in the environment; none in the base, and where there is none."""
    pods: PodSettings | None = None
    """What the environment says of its pods; nothing in the base."""
    gateway: GatewayImplementation | None = None
    """What implements the Gateway API there, where it is said."""
    hidden: tuple[tuple[str, str], ...] = ()
    """The columns of personal data that requests may have, and how records have them."""


def served_in(pipeline: Pipeline, environment: str | None) -> Served:
    """The model as an environment serves it, or as the base says it."""
    if environment is None:
        return Served(
            pipeline.name,
            pipeline.serving,
            pipeline.monitoring,
            pipeline.settings,
            hidden=_hidden_columns(pipeline),
        )
    here = pipeline.environments[environment]
    settings = pipeline.settings
    return Served(
        pipeline.name,
        here.serving,
        here.monitoring,
        settings,
        here.accelerator,
        settings.pods_of(environment).of_serving,
        settings.environments[environment].gateway,
        hidden=_hidden_columns(pipeline),
    )


def _hidden_columns(pipeline: Pipeline) -> tuple[tuple[str, str], ...]:
    """The columns of personal data, and how records have them: of a package from before they were
    declared, too."""
    columns = pipeline.data.columns.items()
    return tuple((name, column.pii) for name, column in columns if column.pii is not None)


def _nothing(served: Served) -> Mapping[str, Any]:
    del served
    return {}


class ServingEngine(Struct, frozen=True, kw_only=True):
    """A program that serves packages."""

    container: Callable[[Served], Mapping[str, Any]]
    """The container, without what all of them have: its name, its port, its `preStop` and its security."""
    volumes: Callable[[Served], Iterable[dict[str, Any]]]
    drain_seconds: Callable[[Serving], int]
    """When a server that was asked to stop is gone at the latest, but for what Kubernetes does before."""
    startup_seconds: Callable[[Served], int]
    """When a server that is not up is given up."""
    variables: Callable[[Served], dict[str, str]]
    """The environment variables of the container."""
    secrets: Callable[[Served], Iterable[dict[str, Any]]] = lambda _: ()
    """Those whose values Secrets have, as a container has them."""
    arguments: Callable[[Served], tuple[str, ...]] = lambda _: ()
    """The arguments of the program, where its image does not know them."""
    pod: Callable[[Served], Mapping[str, Any]] = _nothing
    """Further parts of the pod, such as the nodes that it fits on."""
