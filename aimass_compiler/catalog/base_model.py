"""The language model that fine-tuning begins with: a folder of the project, a hub's repository, or an image.

Each is named so that it cannot move: DVC hashes a folder, a revision is a commit, an image has its digest.
"""

from __future__ import annotations

import hashlib
import os
import re
from abc import abstractmethod
from functools import cache
from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.architecture import Architecture
from aimass_compiler.catalog.project_code import ProjectFile
from aimass_compiler.catalog.quantities import Frozen
from aimass_compiler.diagnostics import HintedError, first_line

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_IMAGE = re.compile(r"[a-z0-9][\w.:/-]*@sha256:[0-9a-f]{64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
#: What of a repository is fetched: never pickles, and never code.
_FETCHED = ("*.json", "*.safetensors", "*.jinja", "*.model", "LICENSE*", "README.md")
_LOOK_AT = "look at HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE"
#: How long a hub may take to say what a file is.
_SECONDS = 30
#: Keys that other tools have for running a base's own code.
_REMOTE_CODE = frozenset({"trust_remote_code", "code_revision"})


class BaseError(HintedError):
    """A base cannot be used."""


def _commit(revision: str) -> str:
    if not _COMMIT.fullmatch(revision):
        raise PydanticCustomError(
            "moving_name",
            "`{revision}` is no commit, so the base could change; write its 40 digits, as the repository's "
            "history shows them",
            {"revision": revision},
        )
    return revision


def _repository(name: str) -> str:
    if not _REPOSITORY.fullmatch(name):
        raise PydanticCustomError(
            "repository", "`{name}` is no repository; write it like `org/name`", {"name": name}
        )
    return name


def _image(reference: str) -> str:
    if not _IMAGE.fullmatch(reference):
        raise PydanticCustomError(
            "moving_name",
            "`{reference}` has no digest, so the base could change; write `registry/name@sha256:…`",
            {"reference": reference},
        )
    return reference


class NamedBase(Frozen):
    """What every base has."""

    architecture: Architecture | None = Field(None, exclude=True)
    """Its numbers, where its files are not here when a spec is compiled: memory and cost follow."""

    @property
    @abstractmethod
    def shown(self) -> str:
        """What messages call it."""

    @property
    def dependencies(self) -> tuple[str, ...]:
        """The files and folders of the project that it is, for DVC to watch."""
        return ()

    @property
    def image(self) -> str | None:
        """The image that it is; None where it is none."""
        return None

    @abstractmethod
    def folder(self, root: Path) -> Path:
        """Where its files lie on this machine; those of a hub are fetched. Raises BaseError."""


class PathBase(NamedBase):
    """A folder of the project with config.json, safetensors and a tokenizer."""

    short_form: ClassVar[str | None] = "path"

    path: ProjectFile
    """The folder, below the project's root; DVC watches it."""

    @property
    def shown(self) -> str:
        return self.path

    @property
    def dependencies(self) -> tuple[str, ...]:
        return (self.path,)

    def folder(self, root: Path) -> Path:
        found = root / self.path
        if not found.is_dir():
            raise BaseError(f"there is no folder {self.path}, which `base` names", "paths start at the root")
        return found


class HubBase(NamedBase):
    """A repository of the Hugging Face Hub, or of a mirror that `HF_ENDPOINT` names."""

    hub: Annotated[str, AfterValidator(_repository)]
    """The repository, such as `org/name`."""
    revision: Annotated[str, AfterValidator(_commit)]
    """The commit, all 40 digits: branches and tags move."""

    @property
    def shown(self) -> str:
        return f"{self.hub}@{self.revision[:12]}"

    def folder(self, root: Path) -> Path:
        del root
        return _snapshot(self.hub, self.revision)


class OciBase(NamedBase):
    """An image of a registry whose layers hold the folder; `aimass run` fetches and unpacks it."""

    oci: Annotated[str, AfterValidator(_image)]
    """The image with its digest."""

    @property
    def shown(self) -> str:
        return self.oci

    @property
    def image(self) -> str:
        return self.oci

    def folder(self, root: Path) -> Path:
        found = self.place(root)
        if not self.is_here(root):
            raise BaseError(
                f"{self.oci} is not on this machine",
                f"`aimass run` unpacks its layers to {found.relative_to(root).as_posix()}",
            )
        return found

    def place(self, root: Path) -> Path:
        """Where its files lie, once they were fetched."""
        return root / "artifacts" / "bases" / self.oci.rpartition("sha256:")[2][:12]

    def is_here(self, root: Path) -> bool:
        """Whether its files were fetched."""
        return (self.place(root) / "config.json").is_file()


@cache
def _snapshot(repository: str, revision: str) -> Path:
    """The files of a commit, in the cache that all projects share; each process looks at them once.

    Raises BaseError.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import LocalEntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()
    shown, wanted = f"{repository}@{revision[:12]}", list(_FETCHED)
    try:
        found = Path(
            snapshot_download(
                repository,
                revision=revision,
                allow_patterns=wanted,
                endpoint=os.environ.get("HF_ENDPOINT"),
                etag_timeout=_SECONDS,
            )
        )
    except RevisionNotFoundError:
        reason, help_ = "it has no such commit", "write one that its history shows"
    except RepositoryNotFoundError:
        reason, help_ = (
            "there is no such repository, or it is not for everyone",
            "look at its name, and HF_TOKEN",
        )
    except LocalEntryNotFoundError:
        reason, help_ = "the hub does not answer, and it was not fetched before", _LOOK_AT
    except (OSError, ValueError) as error:  # all that huggingface_hub raises of the network and of files
        reason, help_ = first_line(error), _LOOK_AT
    else:
        _require_whole(found, shown)
        return found
    raise BaseError(f"{shown} cannot be fetched: {reason}", help_)


def _require_whole(snapshot: Path, shown: str) -> None:
    """Raise BaseError where a file is not what the hub says: it names large ones by their SHA-256."""
    for path in sorted(snapshot.rglob("*")):
        blob = path.resolve()
        if _SHA256.fullmatch(blob.name) is None:
            continue
        with blob.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != blob.name:
            blob.unlink()
            path.unlink()
            raise BaseError(
                f"{path.name} of {shown} was damaged on its way, and is removed",
                "run again to fetch it again",
            )


def _form(value: Any) -> str | None:
    if isinstance(value, NamedBase):
        return next(name for name, kind in _FORMS.items() if isinstance(value, kind))
    return next((name for name in _FORMS if isinstance(value, dict) and name in value), None)


def _without_code(value: Any) -> Any:
    found = sorted(_REMOTE_CODE & value.keys()) if isinstance(value, dict) else ()
    if found:
        raise PydanticCustomError(
            "remote_code",
            "`{key}` would run code of the base, in training and in every server; leave it out, and convert "
            "the base to an architecture that transformers has",
            {"key": found[0]},
        )
    return {"path": value} if isinstance(value, str) else value


_FORMS: dict[str, type[NamedBase]] = {"path": PathBase, "hub": HubBase, "oci": OciBase}
AnyBase = Annotated[
    Annotated[
        Annotated[PathBase, Tag("path")] | Annotated[HubBase, Tag("hub")] | Annotated[OciBase, Tag("oci")],
        Discriminator(_form),
    ],
    BeforeValidator(_without_code),
]
