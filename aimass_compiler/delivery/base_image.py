"""Bases that are images: fetched and unpacked before a run, so that stages ask no registry."""

from __future__ import annotations

import shutil
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from aimass_compiler.catalog.base_model import BaseError, OciBase
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.registry import NoSuchImage, RegistryError, Repository, parted

#: What `oras push` calls a file that is a layer by itself.
_TITLE = "org.opencontainers.image.title"
_CONFIG = "config.json"


def bring(root: Path, pipeline: Pipeline) -> None:
    """Have the base of a model below artifacts/bases, where it is an image. Raises BaseError."""
    conversation = pipeline.task.conversation
    base = None if conversation is None else conversation.base
    if isinstance(base, OciBase) and not base.is_here(root):
        _fetch(base, base.place(root), pipeline.settings.images.registry)


def _fetch(base: OciBase, folder: Path, registry: str) -> None:
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        _unpack(base, partial, registry)
        found = sorted(path.parent for path in partial.rglob(_CONFIG))
        if not found:
            raise BaseError(
                f"{base.oci} has no {_CONFIG}, so it is no base",
                "name an image whose layers hold the folder of one",
            )
        shutil.rmtree(folder, ignore_errors=True)
        min(found, key=lambda each: len(each.parts)).rename(folder)
    except OSError as error:
        raise BaseError(f"{base.oci} could not be unpacked: {error.filename}: {error.strerror}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack(base: OciBase, folder: Path, registry: str) -> None:
    name, digest = parted(base.oci)
    repository = Repository(name, registry)
    try:
        manifest = repository.manifest(digest)
        if manifest.is_index:
            raise BaseError(
                f"{base.oci} is a list of images for several platforms", "write the digest of one of them"
            )
        layers: Iterable[Mapping[str, Any]] = manifest.document.get("layers", ())
        for layer in layers:
            with repository.as_file(layer) as path:
                _unpack_layer(layer, path, folder)
    except NoSuchImage as failed:
        raise BaseError(str(failed), "look at its name and its digest") from None
    except RegistryError as failed:
        raise BaseError(f"{base.oci} cannot be fetched: {failed}", failed.help) from None
    except tarfile.TarError as failed:
        raise BaseError(f"a layer of {base.oci} is no archive that can be read: {failed}") from None


def _unpack_layer(layer: Mapping[str, Any], path: Path, folder: Path) -> None:
    """Unpack an archive; a layer that is one file gets the name that it was pushed with."""
    title = str((layer.get("annotations") or {}).get(_TITLE, ""))
    if tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
    elif title and PurePosixPath(title).name == title:
        shutil.copyfile(path, folder / title)
    else:
        raise tarfile.ReadError(f"{layer.get('mediaType')} is neither a tar archive nor a named file")
