"""What keeps images out of a cluster that are not signed as its environment wants: a policy each.

It holds in namespaces with the label `policy.sigstore.dev/include: "true"`, which those of teams get, and
there for every image below `images.registry`.
Source: https://docs.sigstore.dev/policy-controller/overview/
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.fleet.part import Fleet, FleetPart
from aimass_compiler.pipeline.image_signature import ImageSignature
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.emit import block, header_of
from aimass_compiler.render.names import kustomization

_FULCIO, _REKOR = "https://fulcio.sigstore.dev", "https://rekor.sigstore.dev"
#: What separates the address of a key that a service keeps, such as `awskms://`, from the path of a file.
_ADDRESS = "://"
_FILE = "policy.yaml"


def _is_wanted(organisation: Organisation) -> bool:
    return any(_wanted(organisation.settings))


def _wanted(settings: Settings) -> Iterator[tuple[str, ImageSignature]]:
    """The environments that want a policy, each with whose signature it wants."""
    for name, environment in settings.environments.items():
        if environment.signature is not None and environment.signature.admission is not None:
            yield name, environment.signature


def _render(fleet: Fleet) -> dict[str, bytes]:
    settings, header = fleet.organisation.settings, header_of(conventions.SETTINGS_FILE)
    files = {}
    for name, signature in _wanted(settings):
        files[f"{name}/{_FILE}"] = f"{header}{block(_policy(settings, name, signature))}".encode()
        listed = kustomization((("resources", [_FILE]),))
        files[f"{name}/kustomization.yaml"] = f"{header}{block(listed)}".encode()
    return files


def _policy(settings: Settings, environment: str, signature: ImageSignature) -> dict[str, Any]:
    return {
        "apiVersion": "policy.sigstore.dev/v1beta1",
        "kind": "ClusterImagePolicy",
        "metadata": {"name": f"aimass-{environment}"},
        "spec": {
            "mode": "enforce",
            "images": [{"glob": f"{settings.images.registry}/**"}],
            "authorities": [_authority(environment, signature)],
        },
    }


def _authority(environment: str, signature: ImageSignature) -> dict[str, Any]:
    """Who signs, and in which form: bundles, as cosign 3 writes them, unless it is by a key."""
    log = {} if signature.ignore_tlog else {"ctlog": {"url": _REKOR}}
    if signature.key is None:
        who = {"issuer": signature.issuer, "subject": signature.identity}
        keyless = {"keyless": {"url": _FULCIO, "identities": [who]}}
        return {"name": "signer", "signatureFormat": "bundle", **keyless, **log}
    # The key's file is in the repository; the controller reads it from a Secret of its own namespace.
    kept = (
        {"kms": signature.key} if _ADDRESS in signature.key else {"secretRef": {"name": _secret(environment)}}
    )
    return {"name": "signer", "key": kept, **log}


def _secret(environment: str) -> str:
    return f"aimass-{environment}-signer"


PART = FleetPart(is_wanted=_is_wanted, render=_render, applied="{environment}")
