"""What a render target is: one folder of `render/` whose `TARGET` says what it makes of a pipeline."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct, field

from aimass_compiler.diagnostics import Finding
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.object_kind import Object, ObjectKind
from aimass_compiler.render.pipeline_json import PipelineJson
from aimass_compiler.render.platform import Platform


class Manifest(Struct, frozen=True):
    """A file with one object that a target writes itself."""

    head: Object
    """The object's version, kind and name."""
    content: bytes


class Layer(Struct, frozen=True, kw_only=True):
    """What a target puts into one kustomization: base/, or the overlay of an environment."""

    objects: Sequence[Object] | None = None
    """All that there are of the target's; in an overlay none where they are those of the base."""
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    """Further objects by their file."""
    notes: Mapping[str, Mapping[str, str]] | None = None
    """Annotations of Services of any target, by name; in an overlay none where they are those of the base."""
    config_maps: Sequence[Object] = ()
    """Generators of ConfigMaps, as Kustomize reads them."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """What generators read."""


_NOTHING = Layer()


class Rendered(Struct, frozen=True, kw_only=True):
    """What a target makes of a pipeline."""

    files: Mapping[str, bytes] = field(default_factory=dict)
    """Files of its own by their path below generated/<model>/."""
    base: Layer = _NOTHING
    overlays: Mapping[str, Layer] = field(default_factory=dict)

    def overlay(self, environment: str) -> Layer:
        """What it puts into the overlay of an environment, which may be nothing."""
        return self.overlays.get(environment, _NOTHING)


def _no_findings(pipeline: Pipeline) -> Iterable[Finding]:
    del pipeline
    return ()


class Target(Struct, frozen=True, kw_only=True):
    """One way to make files of a pipeline."""

    render: Callable[[PipelineJson], Rendered]
    findings: Callable[[Pipeline], Iterable[Finding]] = _no_findings
    """What the target cannot express; findings about settings name their file."""
    kinds: tuple[ObjectKind, ...] = ()
    """The kinds of its objects, but for those that Kubernetes itself has for every target."""
    platforms: tuple[Platform, ...] = ()
    """What specs choose by it, and what of their wishes each can keep."""
