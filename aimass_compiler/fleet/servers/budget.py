"""Whether the models of a shared server fit into it, and which would go where if they do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aimass_compiler.fleet.servers.place import ServerPlace

#: Python, its libraries and the log, without any model: 77 MiB were measured.
BASE_BYTES = 128 << 20
#: The share of its memory that a server fills: the rest is for what no budget says.
FILLED = 0.9


def room(place: ServerPlace) -> int:
    """The bytes that there are for models."""
    return int(place.server.resources.memory.size * FILLED) - BASE_BYTES


def memory_asked(place: ServerPlace) -> int:
    """The bytes that its models take, while the largest is being replaced and is there twice."""
    sizes = [share.memory for share in place.shares.values()]
    return sum(sizes) + max(sizes, default=0)


def cores(place: ServerPlace) -> float:
    """The cores that all of its servers together give before more are started than there may be."""
    replicas = place.server.replicas
    return replicas.max * float(place.server.resources.cpu.amount) * replicas.cpu.percent / 100


def cores_asked(place: ServerPlace) -> float:
    """The cores that its models take together."""
    return sum(share.cpu for share in place.shares.values())


def packed(sizes: Mapping[str, float], room: float) -> list[list[str]]:
    """Models in as many servers as they need, the largest first and each into the first that it fits into.

    Source: first-fit decreasing, D. S. Johnson, Near-optimal bin packing algorithms (1973): at most 11/9 as
    many as there must be, and one.
    """
    servers: list[tuple[float, list[str]]] = []
    for model, size in sorted(sizes.items(), key=lambda each: (-each[1], each[0])):
        fits: Sequence[int] = [place for place, (left, _) in enumerate(servers) if size <= left]
        if fits:
            left, models = servers[fits[0]]
            servers[fits[0]] = (left - size, [*models, model])
        else:
            servers.append((room - size, [model]))
    return [models for _, models in servers]
