"""Whether releases, records of versions and git match: what is wrong in files that other tools write, too."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Example, Explanation, Finding, Severity
from aimass_compiler.programs import git
from aimass_compiler.releases import accepted_breaks, release_file, version_record
from aimass_compiler.releases.accepted_breaks import DamagedAcceptance
from aimass_compiler.releases.release_file import DamagedRelease, Release
from aimass_compiler.releases.served_model import NotCompiled, served_model
from aimass_compiler.releases.version_record import DamagedRecord, VersionRecord

EXPLANATIONS = (
    Explanation(
        "AM460",
        "a release, a record or an accepted break cannot be read",
        "`releases/ENV/MODEL/kustomization.yaml` is a Kustomize component with the digest of each image; "
        "`versions/MODEL/vN-HASH.json` is what a run recorded; `accepts/MODEL.yaml` lists breaks with "
        "reasons. What cannot be read can neither be promoted nor gone back to. `git log -p` shows what "
        "the file was before.",
    ),
    Explanation(
        "AM461",
        "a release names images of no version on record",
        "Promotion and rollback find a version by the digests of its images. Images that no record has were "
        "not published by `aimass publish`, or their record is not in this branch: what they were made from "
        "and what they reached is unknown.",
    ),
    Explanation(
        "AM462",
        "a release is annotated as another version than its images are",
        "Tools that edit images, such as `kustomize edit set image`, leave the annotation "
        f"`{conventions.ANNOTATION_VERSION}` as it was. The digest counts; the annotation only misleads "
        "those who read it on pods. Set it to the version that runs.",
    ),
    Explanation(
        "AM463",
        "the record of a version was changed",
        "A record says what was made, once. Gates, metrics and the contract are read from it when a version "
        "is promoted, so a change of it would let through what was not so. Restore it; what turned out bad "
        "gets a second file, by `aimass reject`.",
    ),
    Explanation(
        "AM464",
        "the record of a version has another name than its file or its package",
        "A version is called by its number and the first digits of its package's hash, and its record lies "
        "below its model's name. A copied or renamed record would stand for a package that it is not of.",
    ),
    Explanation(
        "AM465",
        "a rejected version is released",
        "It runs on until it is replaced: `aimass rollback` goes back to what ran before.",
    ),
    Explanation(
        "AM466",
        "a release is for another `serving.model` than the spec has",
        "With `serving.model: image` a release names one image, of server and package. With `volume` it "
        "names two: the package, which is mounted, and the server. A release that was written for the one "
        "does not run with the other. Promote the version again, in the commit that changes `serving.model`.",
    ),
)
EXAMPLES = (
    Example(
        "AM460",
        "The image in `releases/dev/churn/kustomization.yaml` has a tag and no digest.",
        "It has a digest.",
        "situation",
    ),
    Example(
        "AM461",
        "`releases/dev/churn` names a digest that no file of `versions/churn` has.",
        "It names the digest of a version.",
        "situation",
    ),
    Example(
        "AM462",
        "The images in `releases/dev/churn` are those of v2, and it is annotated as v1.",
        "It is annotated as v2.",
        "situation",
    ),
    Example(
        "AM463",
        "A metric in `versions/churn/v1-….json` was edited after the commit that added it.",
        "The record is as it was committed first.",
        "situation",
    ),
    Example(
        "AM464",
        "The record `v1-….json` was copied to the name of another version.",
        "Each record has the name that its version has.",
        "situation",
    ),
    Example(
        "AM465",
        "v1 was rejected, and `releases/dev/churn` still names it.",
        "`releases/dev/churn` names a version that was not rejected.",
        "situation",
    ),
    Example(
        "AM466",
        "`serving.model` became `volume`, and `releases/dev/churn` names one image, as before.",
        "It names the images of the package and of the server: `aimass promote churn --to dev`.",
        "situation",
    ),
)

#: What libraries say beside what is wrong.
_OF_LIBRARIES = re.compile(r"\[Errno \d+\] |in \"<byte string>\", ")


def findings(root: Path) -> Iterator[Finding]:
    """What is wrong with all releases, records and accepted breaks of a project."""
    records: dict[str, list[VersionRecord]] = {}
    for model in version_record.models_of(root):
        try:
            records[model] = version_record.versions_of(root, model)
        except DamagedRecord as damaged:
            yield _damaged(root, damaged, f"{conventions.VERSIONS_FOLDER}/{model}")
            continue
        for path in sorted(version_record.folder_of(root, model).glob("v*.json")):
            yield from _misnamed(path, model, records[model], root)
    if records:
        yield from _edited(root)
    for environment, model in release_file.released_places(root):
        yield from _released(root, environment, model, records.get(model, []))
    for model in accepted_breaks.models_of(root):
        try:
            accepted_breaks.accepted_breaks(root, model)
        except DamagedAcceptance as damaged:
            file = accepted_breaks.file_of(root, model).relative_to(root).as_posix()
            yield _damaged(root, damaged, file)


def _damaged(root: Path, error: Exception, file: str) -> Finding:
    """What could not be read, in one line, without where the project lies on this machine."""
    text = _OF_LIBRARIES.sub("", " ".join(str(error).split()).replace(f"{root}{os.sep}", ""))
    return _finding("AM460", text, file)


def _misnamed(path: Path, model: str, records: list[VersionRecord], root: Path) -> Iterator[Finding]:
    """A record whose file, model or package has another name."""
    if path.name.endswith(".rejected.json"):
        return
    named = [each for each in records if each.name == path.stem]
    if not named or any(each.model != model or not _is_of_package(each) for each in named):
        file = path.relative_to(root).as_posix()
        yield _finding("AM464", f"`{file}` is not the record of a version of this name", file)


def _is_of_package(record: VersionRecord) -> bool:
    return record.name.partition("-")[2] == record.package[:8]


def _edited(root: Path) -> Iterator[Finding]:
    """Records that differ from what was committed first; a warning where git is missing or cannot say it."""
    first: dict[str, bytes | None] = {}
    try:
        again = git.changed_again(root, [f":(glob){conventions.VERSIONS_FOLDER}/**/v*.json"])
        doubtful = [path for path in again if not path.endswith(".rejected.json")]
        for revision in git.revisions(root, doubtful) if doubtful else ():
            if revision.content is not None:
                first[revision.path] = revision.content  # the newest come first, and the oldest stays
    except git.GitError as error:
        message = f"records cannot be held against what was committed first: {error}"
        yield _finding("AM463", message, conventions.VERSIONS_FOLDER, error.help, is_error=False)
        return
    for path, content in sorted(first.items()):
        file = root / path
        if file.is_file() and _plain(file.read_bytes()) != _plain(content or b""):
            yield _finding("AM463", f"`{path}` is not as it was committed first", path)


def _plain(content: bytes) -> bytes:
    """Without what a checkout on Windows adds."""
    return content.replace(b"\r\n", b"\n")


def _released(root: Path, environment: str, model: str, records: list[VersionRecord]) -> Iterator[Finding]:
    file = release_file.file_of(root, environment, model).relative_to(root).as_posix()
    try:
        release = release_file.read(root, environment, model)
    except DamagedRelease as damaged:
        yield _damaged(root, damaged, file)
        return
    if release is None or not records:
        return  # without any version, it is what another tool made of it
    yield from _of_release(root, release, records, file)


def _of_release(root: Path, release: Release, records: list[VersionRecord], file: str) -> Iterator[Finding]:
    """What is wrong with one release beside the versions of its model."""
    record = version_record.version_of(records, release.digests)
    if record is None:
        message = f"`{file}` names {release.digest}, which is no version on record"
        hint = "take a version of `aimass history`, or commit its record"
        yield _finding("AM461", message, file, hint, is_error=False)
        return
    called = [each for each in records if each.is_called(release.version)]
    if not any(version_record.is_of(each, release.digests) for each in called):
        annotated = f"annotated as {release.version or 'nothing'}"
        message = f"`{file}` is {annotated}, and its images are those of {record.name}"
        hint = f"write `{conventions.ANNOTATION_VERSION}: {record.name}` below `commonAnnotations`"
        yield _finding("AM462", message, file, hint, is_error=False)
    yield from _otherwise_served(root, release, record, file)
    if version_record.rejection_of(root, release.model, record.name) is not None:
        message = f"`{record.name}` was rejected, and is released in {release.environment}"
        hint = f"`aimass rollback {release.model} --env {release.environment}`"
        yield _finding("AM465", message, file, hint, is_error=False)


def _otherwise_served(root: Path, release: Release, record: VersionRecord, file: str) -> Iterator[Finding]:
    """A release whose images are not those that the manifests of the environment now ask for."""
    try:
        served = served_model(root, release.model, release.environment)
    except NotCompiled:
        return
    wanted = {name: image.digest for name, image in served.images(record).items()}
    if not wanted or wanted.items() - release.digests.items():
        place = f"serving.model is `{served.source}` in {release.environment}"
        message = f"`{file}` does not name the images of {record.name} for that: {place}"
        hint = f"`aimass promote {release.model} --to {release.environment} --version {record.name}`"
        yield _finding("AM466", message, file, hint)


def _finding(code: str, message: str, file: str, help: str = "", *, is_error: bool = True) -> Finding:  # noqa: A002  # the word that findings use
    severity = Severity.ERROR if is_error else Severity.WARNING
    return Finding(code, (), message, help=help, severity=severity, file=file)
