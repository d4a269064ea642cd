"""An overlay in two parts, so that an engine can tell a model that is not released from a broken one.

Kustomize ends where a component is missing, and Flux then changes nothing: what was released would run on
after its release is deleted. So Flux builds what is there before a release, `unreleased/`, with the release
beside it where there is one. All others build the overlay, which stands for the same objects.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.render.names import component, kustomization

#: Below an overlay, all of it but the release.
UNRELEASED = "unreleased"
#: Beside it, the releases of adapters, and what copies images to where custom resources mount them.
ADAPTERS, MOUNTED = "adapters", "mounted"
#: The version that adapters' releases note is not the model's, by whose version one sees that it is released.
_WITHOUT_VERSION = {
    "target": {"annotationSelector": conventions.ANNOTATION_VERSION},
    "patch": "- op: remove\n"
    f"  path: /metadata/annotations/{conventions.ANNOTATION_VERSION.replace('/', '~1')}\n",
}


def release_apart(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The kustomizations below an overlay by their file, from the parts that it would have."""
    *others, release = parts["components"]
    adapters = [path for path in others if path.startswith("../")]
    files: dict[str, Any] = {}
    components = [release]
    if adapters:
        above = [f"../{path}" for path in adapters]
        files[f"{ADAPTERS}/kustomization.yaml"] = component(components=above, patches=[_WITHOUT_VERSION])
        components.insert(0, ADAPTERS)
    if parts["replacements"]:
        files[f"{MOUNTED}/kustomization.yaml"] = component(replacements=parts["replacements"])
        components.append(MOUNTED)
    resources = [f"../{path}" if path.startswith("../") else path for path in parts["resources"]]
    own = [path for path in others if path not in adapters]
    before = {**parts, "resources": resources, "components": own, "replacements": []}
    whole = {"namespace": parts["namespace"], "resources": [UNRELEASED], "components": components}
    files[f"{UNRELEASED}/kustomization.yaml"] = kustomization(before.items())
    return {"kustomization.yaml": kustomization(whole.items()), **files}
