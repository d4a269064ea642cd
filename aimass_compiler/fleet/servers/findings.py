"""What a shared server cannot keep of what its models need: memory, cores, networks, names."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Example, Explanation, Finding
from aimass_compiler.fleet.part import Fleet
from aimass_compiler.fleet.servers import budget
from aimass_compiler.fleet.servers.place import ServerPlace, places
from aimass_compiler.model_path import path_of

EXPLANATIONS = (
    Explanation(
        "AM484",
        "the models of a shared server do not fit into it",
        "What each model takes stands below `serving.resources` in its spec. All of them together, the "
        "largest twice because it is there twice while it is replaced, must fit into nine tenths of the "
        "server's memory beside 128 MiB for the server itself; and the cores that they take into those of "
        "the most servers at the share at which more are started. Give the server more, or move models to "
        "another.",
    ),
    Explanation(
        "AM485",
        "the models of a shared server are called from different networks",
        "A shared server lets in whom any of its models lets in: the pods of its namespace, Prometheus, and "
        "one gateway. A model whose gateway runs elsewhere needs another server, so that no caller "
        "reaches a model that it could not reach before.",
    ),
    Explanation(
        "AM486",
        "a shared server and a model have one name",
        "The objects of both would have the same names in the same namespace. Give the server another name.",
    ),
)
EXAMPLES = (
    Example(
        "AM484",
        "`servers: {small: {resources: {memory: 256Mi}}}`, and two models take 80Mi each.",
        "`servers: {small: {resources: {memory: 512Mi}}}`.",
        "situation",
    ),
    Example(
        "AM485",
        "Two models share `small`, and their gateways run in the namespaces `edge` and `gateway-system`.",
        "Both gateways run in `edge`.",
        "situation",
    ),
    Example(
        "AM486",
        "`servers: {churn: {}}` in aimass.yaml, and the models of the server are `churn` and `ltv`.",
        "`servers: {small: {}}`.",
        "situation",
    ),
)
_MIB = 1 << 20


def findings(fleet: Fleet) -> Iterator[Finding]:
    """What is wrong with each shared server, once for all environments."""
    seen = set()
    for place in places(fleet):
        for finding in (*_beyond(place), *_apart(place), *_named(place, fleet)):
            if (finding.code, place.name, place.team, finding.path) not in seen:
                seen.add((finding.code, place.name, place.team, finding.path))
                yield finding


def _beyond(place: ServerPlace) -> Iterator[Finding]:
    above = ("servers", place.name, "resources")
    room, asked = budget.room(place), budget.memory_asked(place)
    if asked > room:
        message = (
            f"the {len(place.shares)} models of {_called(place)} take {asked // _MIB}Mi of memory, the "
            f"largest twice, and there is room for {max(0, room) // _MIB}Mi"
        )
        sizes = {path: float(share.memory) for path, share in place.shares.items()}
        largest = max(sizes.values())
        yield Finding(
            "AM484", (*above, "memory"), message, help=_moved(sizes, room - largest), file=SETTINGS_FILE
        )
    cores, wanted = budget.cores(place), budget.cores_asked(place)
    if wanted > cores + 1e-9:
        message = (
            f"the {len(place.shares)} models of {_called(place)} take {wanted:.3g} cores, and its "
            f"{place.server.replicas.max} servers give {cores:.3g} at {place.server.replicas.cpu}"
        )
        hint = "raise `replicas.max` or `cpu`, or move models to another server"
        yield Finding("AM484", (*above, "cpu"), message, help=hint, file=SETTINGS_FILE)


def _moved(sizes: dict[str, float], room: float) -> str:
    """The hint: how few models can leave, or that none is small enough."""
    servers = budget.packed(sizes, room)
    leaving = [model for models in servers[1:] for model in models]
    if room <= 0 or not leaving:
        return "raise `memory`"
    shown = ", ".join(f"`{model}`" for model in sorted(leaving)[:5])
    more = f" and {len(leaving) - 5} more" if len(leaving) > 5 else ""  # noqa: PLR2004  # as above
    return f"raise `memory`, or move {shown}{more} to another server, of which {len(servers) - 1} would do"


def _apart(place: ServerPlace) -> Iterator[Finding]:
    networks: dict[str, str] = {}
    for path, share in sorted(place.shares.items()):
        if share.gateway_namespace is not None:
            networks.setdefault(share.gateway_namespace, path)
    if len(networks) > 1:
        (one, first), (other, second) = list(networks.items())[:2]
        message = (
            f"{_called(place)} would let in `{one}` for `{first}` and `{other}` for `{second}`, each of "
            "which could then reach the other's model"
        )
        hint = "give one of them another server"
        yield Finding("AM485", ("servers", place.name), message, help=hint, file=SETTINGS_FILE)


def _named(place: ServerPlace, fleet: Fleet) -> Iterator[Finding]:
    model = path_of(place.team, place.name)
    if model in fleet.models:
        message = f"the shared server `{place.name}` has the name of the model `{model}`"
        at, hint = ("servers", place.name), "rename the server"
        yield Finding("AM486", at, message, help=hint, file=SETTINGS_FILE, at_key=True)


def _called(place: ServerPlace) -> str:
    return f"`{place.name}` of team `{place.team}`" if place.team else f"`{place.name}`"
