"""What runs where: `releases/ENV/MODEL/kustomization.yaml`, a plain Kustomize component.

The overlay of the environment includes it. So whatever edits images in a kustomization can release:
`aimass promote`, `kustomize edit set image`, Kargo, Renovate, Flux, a person. Its `commonAnnotations` reach
the pods; what must not, such as a hold, stands in its `metadata`. Source of the format:
https://kubectl.docs.kubernetes.io/guides/config_management/components/
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import yaml
from msgspec import Struct, field

from aimass_compiler import conventions, model_path
from aimass_compiler.releases.version_record import ImageDigest

if TYPE_CHECKING:
    from ruamel.yaml import YAML

_DIGEST = re.compile(conventions.DIGEST_PATTERN)
#: A model lies below an environment, or in the folder of its team there.
_DEEPEST = 1 + model_path.DEEPEST
_WIDE = 4096  # characters, so that no line is folded


class Hold(Struct, frozen=True):
    """That an environment stays with its release, as annotations of the component say it."""

    by: str
    reason: str
    until: str = ""
    """ISO 8601, in UTC; empty where it holds until it is lifted."""


class Release(Struct, frozen=True, kw_only=True):
    """What runs of a model in an environment."""

    environment: str
    model: str
    """Its path."""
    images: dict[str, ImageDigest]
    """By the name that manifests have for it: the model's, and its server's where that is another image."""
    version: str = ""
    """The version's name, as the annotation has it; who edits images by hand may leave it behind."""
    stable: str = ""
    """The version that serves on while this one is a canary; empty once it has taken over."""
    stable_images: dict[str, str] = field(default_factory=dict)
    """The digests of that version by image name, so that git has both."""
    hold: Hold | None = None

    @property
    def digest(self) -> str:
        """What names the release: the digest of the image that holds the model."""
        return self.images[self.name].digest

    @property
    def name(self) -> str:
        """What manifests call the image that holds the model: as they call the model."""
        return model_path.name_of(self.model)

    @property
    def digests(self) -> dict[str, str]:
        """The digests of its images by the names that manifests have for them."""
        return {name: image.digest for name, image in self.images.items()}

    @property
    def stable_digests(self) -> dict[str, str]:
        """Those of what callers mostly get: of the version beside the canary, while there is one."""
        return self.stable_images or self.digests


class DamagedRelease(Exception):  # noqa: N818  # it reads as what is the case
    """A release that cannot be read; the message names the file and what is wrong with it."""


def file_of(root: Path, environment: str, model: str) -> Path:
    """Where a model's release for an environment lies."""
    return folder_of(root, environment) / model / conventions.RELEASE_FILE


def folder_of(root: Path, environment: str) -> Path:
    """Where the releases of an environment lie."""
    return root / conventions.RELEASES_FOLDER / environment


def released_models(root: Path, environment: str) -> list[str]:
    """The models that have a release in an environment, sorted."""
    return sorted(_released(folder_of(root, environment)))


def released_places(root: Path) -> list[tuple[str, str]]:
    """Each environment with each model that has a release there, sorted."""
    folders = (root / conventions.RELEASES_FOLDER).glob("*/")
    return sorted((folder.name, model) for folder in folders for model in _released(folder))


def _released(folder: Path) -> Iterator[str]:
    """The models with a release in the folder of an environment; what lies in one of theirs is no other's."""
    for path in folder.glob("*/"):
        if (path / conventions.RELEASE_FILE).exists():
            yield path.name
        else:
            files = path.glob(f"*/{conventions.RELEASE_FILE}")
            yield from (f"{path.name}/{each.parent.name}" for each in files)


def place_of(path: str) -> tuple[str, str] | None:
    """The environment and the model of a release file, by its path below the root; None for others."""
    parts = path.split("/")
    is_release = parts[0] == conventions.RELEASES_FOLDER and parts[-1] == conventions.RELEASE_FILE
    folders = parts[2:-1]
    return (parts[1], "/".join(folders)) if is_release and 1 <= len(folders) <= _DEEPEST else None


def read(root: Path, environment: str, model: str) -> Release | None:
    """A release, or None where the model is not deployed there. Raises DamagedRelease."""
    path = file_of(root, environment, model)
    if any(each.is_symlink() for each in (path, *path.parents[: 2 + model.count("/")])):
        raise DamagedRelease(f"{path}: it is a link, and what is written for {environment} would change more")
    try:
        return decoded(path.read_bytes(), environment, model)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, DamagedRelease) as error:
        raise DamagedRelease(f"{path}: {error}") from None


class _Image(Struct, frozen=True):
    name: str = ""
    newName: str = ""  # noqa: N815  # as Kustomize writes it
    digest: str = ""


class _Metadata(Struct, frozen=True):
    annotations: dict[str, Any] | None = None


class _Component(Struct, frozen=True):
    """What is read of the file."""

    kind: Literal["Component"]
    images: list[_Image] | None = None
    metadata: _Metadata | None = None
    commonAnnotations: dict[str, Any] | None = None  # noqa: N815  # as above


def decoded(text: bytes, environment: str, model: str) -> Release:
    """The release that a file holds. Raises DamagedRelease, which says what is wrong."""
    component = _component(text)
    noted = (component.metadata.annotations if component.metadata else None) or {}
    shown = component.commonAnnotations or {}
    return Release(
        environment=environment,
        model=model,
        images=_images(component, model),
        version=str(shown.get(conventions.ANNOTATION_VERSION) or ""),
        stable=str(noted.get(conventions.ANNOTATION_STABLE) or ""),
        stable_images=_pairs(str(noted.get(conventions.ANNOTATION_STABLE_IMAGES) or "")),
        hold=_hold(noted),
    )


def _component(text: bytes) -> _Component:
    try:
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  # both are safe
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DamagedRelease(f"it is no YAML: {error}") from None
    try:
        return msgspec.convert(document, _Component)
    except msgspec.ValidationError as error:
        raise DamagedRelease(f"it is no Kustomize component: {error}") from None


def _images(component: _Component, model: str) -> dict[str, ImageDigest]:
    """The images by name; that of the model is there."""
    model = model_path.name_of(model)
    found: dict[str, ImageDigest] = {}
    for each in component.images or ():
        if not _DIGEST.fullmatch(each.digest):
            message = (
                f"the image `{each.name or model}` has no digest; manifests name nothing that can change"
            )
            raise DamagedRelease(message)
        if each.name in found:
            raise DamagedRelease(f"`images` has two entries for `{each.name}`")
        found[each.name] = ImageDigest(each.newName or each.name, each.digest)
    if model not in found:
        raise DamagedRelease(f"`images` has no entry for `{model}`")
    return found


def _hold(noted: Mapping[str, Any]) -> Hold | None:
    if conventions.ANNOTATION_HELD_BY not in noted:
        return None
    return Hold(
        str(noted[conventions.ANNOTATION_HELD_BY]),
        str(noted.get(conventions.ANNOTATION_HOLD_REASON, "")),
        str(noted.get(conventions.ANNOTATION_HELD_UNTIL, "")),
    )


def _pairs(text: str) -> dict[str, str]:
    return dict(pair.split("=", 1) for pair in text.split(",") if "=" in pair)


def edited(text: bytes | None, release: Release) -> bytes:
    """The file with another release; what else stands in it, its comments and its line ends, stay.

    Raises DamagedRelease where it is no YAML.
    """
    from ruamel.yaml.error import YAMLError

    editor = _editor()
    try:
        document = editor.load(text) if text else None
    except YAMLError as error:
        raise DamagedRelease(f"it is no YAML: {error}") from None
    document = document if document is not None else _new()
    _set_images(document, release)
    _set_annotations(document, release)
    out = io.BytesIO()
    editor.dump(document, out)
    is_of_windows = text is not None and b"\r\n" in text
    lines = out.getvalue().replace(b"\r\n", b"\n")
    return lines.replace(b"\n", b"\r\n") if is_of_windows else lines


def _editor() -> YAML:
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes = True
    editor.width = _WIDE
    return editor


def _new() -> dict[str, Any]:
    return {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component"}


def _set_images(document: dict[str, Any], release: Release) -> None:
    """Those of the release; images of what others add to the pods stay."""
    listed = _below(document, "images", [])
    ours = {release.name, conventions.SERVER_IMAGE}
    gone = ours - release.images.keys()
    listed[:] = [each for each in listed if each.get("name") not in gone]
    known = {each["name"]: each for each in listed}
    for name, image in release.images.items():
        wanted = {"name": name, "newName": image.name, "digest": image.digest}
        if name in known:
            known[name].pop("newTag", None)
            known[name].update(wanted)
        else:
            listed.append(wanted)


def _below(document: dict[str, Any], key: str, empty: Any) -> Any:
    """What stands below a key, which may be missing or have no value."""
    if document.get(key) is None:
        document[key] = empty
    return document[key]


def _set_annotations(document: dict[str, Any], release: Release) -> None:
    hold = release.hold
    own = {
        conventions.ANNOTATION_STABLE: release.stable,
        conventions.ANNOTATION_STABLE_IMAGES: ",".join(
            f"{name}={digest}" for name, digest in sorted(release.stable_images.items())
        ),
        conventions.ANNOTATION_HELD_BY: hold.by if hold else "",
        conventions.ANNOTATION_HOLD_REASON: hold.reason if hold else "",
        conventions.ANNOTATION_HELD_UNTIL: hold.until if hold else "",
    }
    metadata = _below(document, "metadata", {})
    _set_each(metadata, "annotations", own)
    if not metadata:
        del document["metadata"]
    _set_each(document, "commonAnnotations", {conventions.ANNOTATION_VERSION: release.version})


def _set_each(document: dict[str, Any], key: str, wanted: Mapping[str, str]) -> None:
    """Give these entries to a mapping below `key`, and take away those without a value."""
    noted = _below(document, key, {})
    for name, value in wanted.items():
        if value:
            noted[name] = value
        else:
            noted.pop(name, None)
    if not noted:
        del document[key]
