"""What aimass.yaml changes that no pipeline.json holds, read out of the files that carry it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Path
from aimass_compiler.effects.normal import Normal, at, mapping, named, word
from aimass_compiler.effects.objects import objects
from aimass_compiler.effects.sentences import listed
from aimass_compiler.effects.told import Sign, Told
from aimass_compiler.plan import Files

if TYPE_CHECKING:
    from aimass_compiler.effects.places import Places

_FROM = re.compile(rb"^FROM (\S+)", re.MULTILINE)
_DIGEST_SHOWN = len("sha256:") + 12

#: The names that a setting has in a model's files; several where it is a list.
_Names = tuple[str, ...]


class _Setting(Struct, frozen=True):
    """One setting: where it is written, how it is read, and what is said when it is there, or no longer."""

    path: Path
    read: Callable[[Files], _Names]
    there: str
    gone: str


def setting_changes(before: Files, after: Files, old: Normal, new: Normal, places: Places) -> Iterator[Told]:
    """What the settings do to one model, beside what its values tell."""
    yield from _trained_elsewhere(old, new, places)
    for setting in _SETTINGS:
        was, now = setting.read(before), setting.read(after)
        if was and now and len(was) == len(now) == 1 and was != now:
            yield _told(setting.path, f"{setting.there.format(now[0])} instead of {was[0]}", places)
        else:
            come, gone = (listed([name for name in a if name not in b]) for a, b in ((now, was), (was, now)))
            if come:
                yield _told(setting.path, setting.there.format(come), places)
            if gone:
                yield _told(setting.path, setting.gone.format(gone), places)
    yield from _deployers(before, after, places)


def _told(path: Path, text: str, places: Places) -> Told:
    key = ".".join(map(str, path))
    return Told(Sign.CHANGED, text, key, place=places.setting(path))


def _trained_elsewhere(old: Normal, new: Normal, places: Places) -> Iterator[Told]:
    """Training jobs run in the first environment."""
    was, now = (next(iter(named(pipeline.get("environments"))), "") for pipeline in (old, new))
    if was != now:
        yield _told(("environments",), f"training jobs run in {now} instead of {was}", places)


def _base(file: str) -> Callable[[Files], _Names]:
    def read(files: Files) -> _Names:
        found = _FROM.search(files.get(file, b""))
        return (found[1].decode(errors="replace"),) if found else ()

    return read


def _labels(files: Files) -> _Names:
    pairs: dict[str, Any] = {}
    for document in objects(files, "Kustomization"):
        labels = document.get("labels")
        for entry in labels if isinstance(labels, list) else []:
            pairs |= mapping(at(entry, "pairs"))
    return _shown({key: value for key, value in pairs.items() if key not in conventions.OUR_LABELS})


def _found_by(files: Files) -> _Names:
    found: dict[str, Any] = {}
    for document in objects(files, "ServiceMonitor"):
        found |= mapping(at(document, "metadata.labels"))
    return _shown({key: value for key, value in found.items() if key not in conventions.OUR_LABELS})


def _shown(labels: Mapping[str, Any]) -> _Names:
    return tuple(f"{word(key)}: {word(value)}" for key, value in labels.items())


def _callers(files: Files) -> _Names:
    """The namespaces that the network lets in, but for that of a gateway, which the spec names."""
    routes = [at(document, "spec.parentRefs") for document in objects(files, "HTTPRoute")]
    gateways = {word(name) for parents in routes for name in _values(parents, "namespace")}
    found = {
        word(name)
        for document in objects(files, "NetworkPolicy")
        for name in _values(at(document, "spec.ingress"), conventions.LABEL_NAMESPACE)
    }
    return tuple(sorted(found - gateways))


def _queue(files: Files) -> _Names:
    queue = conventions.LABEL_QUEUE
    jobs = (mapping(at(job, "metadata.labels")) for job in objects(files, "RayJob"))
    return tuple(dict.fromkeys(word(job[queue]) for job in jobs if queue in job))


def _secrets(files: Files) -> _Names:
    jobs = objects(files, "RayJob")
    found = (secret for job in jobs for secret in _values(at(job, "spec"), "secretRef"))
    return tuple(sorted({word(mapping(secret).get("name")) for secret in found}))


def _digest(files: Files) -> _Names:
    images = (at(document, "images") for document in objects(files, "Kustomization"))
    digests = (word(digest)[:_DIGEST_SHOWN] for image in images for digest in _values(image, "digest"))
    return tuple(dict.fromkeys(digests))


def _values(node: Any, key: str) -> Iterator[Any]:
    """All that stands below this key, at any depth; what aliases repeat is looked at once."""
    waiting, seen = [node], set[int]()
    while waiting:
        here = waiting.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, Mapping):
            if key in here:
                yield here[key]
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here


def _deployers(before: Files, after: Files, places: Places) -> Iterator[Told]:
    old, new = _may_apply(before), _may_apply(after)
    changed: dict[tuple[str, str], list[str]] = {}
    for name in new:
        if name in old and old[name] != new[name]:
            changed.setdefault((listed(new[name]), listed(old[name])), []).append(name)
    for (now, was), names in changed.items():
        path = ("environments", names[0], "deployer")
        yield _told(path, f"{now} may apply to {listed(names)} instead of {was}", places)


def _may_apply(files: Files) -> dict[str, list[str]]:
    """Who may apply to each environment."""
    found: dict[str, list[str]] = {}
    for document in objects(files, "RoleBinding"):
        environment = word(mapping(at(document, "metadata.labels")).get(conventions.LABEL_ENVIRONMENT))
        subjects = document.get("subjects")
        names = [
            f"{word(mapping(who).get('kind'))} {word(mapping(who).get('name'))}"
            for who in (subjects if isinstance(subjects, list) else [])
        ]
        if environment:
            found[environment] = sorted({*found.get(environment, ()), *names})
    return found


_SETTINGS = (
    _Setting(("labels",), _labels, "all objects carry {}", "no object carries {} any more"),
    _Setting(
        ("prometheus", "labels"),
        _found_by,
        "Prometheus finds it by {}",
        "Prometheus no longer finds it by {}",
    ),
    _Setting(
        ("prometheus", "namespace"),
        _callers,
        "the network lets in {}",
        "the network no longer lets in {}",
    ),
    _Setting(("queue",), _queue, "training jobs wait in the queue {}", "training jobs no longer wait in {}"),
    _Setting(("environments",), _secrets, "training gets {} as secrets", "training no longer gets {}"),
    _Setting(("images", "python"), _base(conventions.SERVING_DOCKERFILE), "servers are made from {}", ""),
    _Setting(("images", "ray"), _base(conventions.TRAINING_DOCKERFILE), "training is made from {}", ""),
    _Setting(
        ("images", "digests"),
        _digest,
        "the image is pinned by its digest {}…",
        "the image is no longer pinned by its digest {}…",
    ),
)
