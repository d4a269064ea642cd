"""What the record of a version says as an in-toto statement about its images: provenance as SLSA has it.

The record itself is part of it, without the digest of the statement and what others attest. So an edit of any
fact in the record, and a statement about another version, are noticed.
Source: https://slsa.dev/spec/v1.1/provenance
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec.structs import replace

from aimass_compiler.delivery.referrers import PROVENANCE
from aimass_compiler.releases.version_record import VersionRecord

_STATEMENT = "https://in-toto.io/Statement/v1"
#: How a version is made: the stages of DVC, then a package. What other builders leave out is under `aimass_`.
_BUILD_TYPE = "https://aimass.dev/version/v1"
_BUILDER = "https://aimass.dev/publish/v1"
_OURS = "aimass_record"


def statement(record: VersionRecord) -> dict[str, Any]:
    """The statement about all images of a version."""
    return {
        "_type": _STATEMENT,
        "subject": [
            {"name": image.name, "digest": {"sha256": _hex(image.digest)}} for image in record.own_images
        ],
        "predicateType": PROVENANCE.predicate,
        "predicate": _predicate(record),
    }


def _predicate(record: VersionRecord) -> dict[str, Any]:
    finished = {"finishedOn": record.trained_at} if record.trained_at else {}
    invoked = {"invocationId": record.run} if record.run else {}
    return {
        "buildDefinition": {
            "buildType": _BUILD_TYPE,
            "externalParameters": {"model": record.model, "commit": record.commit},
            "internalParameters": {"hyperparameters": record.parameters, "libraries": record.trained_with},
            "resolvedDependencies": [*_dependencies(record)],
        },
        "runDetails": {
            "builder": {"id": _BUILDER, "version": {"aimass-compiler": record.compiler}},
            "metadata": {**invoked, **finished},
            "byproducts": [*_byproducts(record)],
        },
        _OURS: msgspec.to_builtins(signed_part(record)),
    }


def _dependencies(record: VersionRecord) -> Iterator[dict[str, Any]]:
    if record.commit:
        yield {"name": "recipe", "digest": {"gitCommit": record.commit}}
    for path, known in sorted(record.data.items()):
        yield {"name": path, "digest": {"md5": known}}
    if record.server_image is not None:
        image = record.server_image
        yield {
            "name": image.name,
            "uri": f"oci://{image.reference}",
            "digest": {"sha256": _hex(image.digest)},
        }


def _byproducts(record: VersionRecord) -> Iterator[dict[str, Any]]:
    for name, digest in sorted(msgspec.to_builtins(record.evidence).items()):
        yield {"name": name, "digest": {"sha256": _hex(digest)}}


def signed_part(record: VersionRecord) -> VersionRecord:
    """What of a record is signed: all but what was known only afterwards."""
    return replace(record, evidence=replace(record.evidence, provenance=""), attestations={})


def differences(said: dict[str, Any], record: VersionRecord) -> list[str]:
    """In which facts a statement says something else than a record; `record` where it says nothing of one."""
    try:
        attested = msgspec.convert(said["predicate"][_OURS], type=VersionRecord)
    except (LookupError, TypeError, msgspec.ValidationError):
        return ["record"]
    ours, theirs = (msgspec.to_builtins(signed_part(each)) for each in (record, attested))
    return sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
