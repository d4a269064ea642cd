"""Bills of materials as CycloneDX has them: the documents' frame, and the components that several have.

They are written as documents, because the library cyclonedx-python-lib knows neither model cards nor data
(11.12); the tests validate them with it (decision 0424).
Source: https://cyclonedx.org/docs/1.6/json/
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aimass_compiler.programs.registry import parted
from aimass_compiler.releases.version_record import VersionRecord
from aimass_compiler.version import __version__

MEDIA_TYPE = "application/vnd.cyclonedx+json"
_VERSION = "1.6"
_PIN = re.compile(
    r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)(?: *; *(?P<marker>[^\\\n]+?))? *\\?\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n?)*)",
    re.MULTILINE,
)
_SHA256 = re.compile(r"sha256:([0-9a-f]{64})")
Component = dict[str, Any]


def bill(
    subject: Component, parts: Iterable[Component], made_at: str, incomplete: Iterable[str] = ()
) -> bytes:
    """A whole document about one component: the same bytes for the same facts.

    `incomplete` names the parts whose own parts are not listed.
    """
    components = sorted(parts, key=lambda part: str(part["bom-ref"]))
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": _VERSION,
        "version": 1,
        "metadata": {
            **({"timestamp": made_at} if made_at else {}),
            "lifecycles": [{"phase": "build"}],
            "tools": {
                "components": [{"type": "application", "name": "aimass-compiler", "version": __version__}]
            },
            "component": subject,
        },
        "components": components,
        "dependencies": [
            {"ref": subject["bom-ref"], "dependsOn": [part["bom-ref"] for part in components]},
            *({"ref": part["bom-ref"]} for part in components),
        ],
        "compositions": [{"aggregate": "incomplete", "assemblies": [name]} for name in sorted(incomplete)],
    }
    content = json.dumps(document, sort_keys=True, ensure_ascii=False)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, content)
    whole = {"serialNumber": f"urn:uuid:{serial}", **document}
    return (json.dumps(whole, sort_keys=True, ensure_ascii=False, indent=1) + "\n").encode()


def image(reference: str, role: str) -> Component:
    """An image, by its digest where the reference has one, and what it is for."""
    name, version = parted(reference)
    path = name.rpartition("/")[2]
    where = f"&repository_url={quote(name, safe='')}"
    found: Component = {
        "type": "container",
        "bom-ref": f"image:{reference}",
        "name": name,
        "version": version,
        "description": role,
        "purl": f"pkg:oci/{quote(path)}@{quote(version, safe='')}?{where.lstrip('&')}",
    }
    if digest := _SHA256.fullmatch(version):
        found["hashes"] = [{"alg": "SHA-256", "content": digest[1]}]
    return found


def model(record: VersionRecord) -> Component:
    """A version of a model, by the hash of its package."""
    return {
        "type": "machine-learning-model",
        "bom-ref": f"model:{record.model}@{record.name}",
        "name": record.model,
        "version": record.name,
        "hashes": [{"alg": "SHA-256", "content": record.package}],
    }


def library(name: str, version: str) -> Component:
    """A package of PyPI."""
    canonical = re.sub(r"[-_.]+", "-", name).lower()
    purl = f"pkg:pypi/{canonical}@{quote(version)}"
    return {"type": "library", "bom-ref": purl, "name": name, "version": version, "purl": purl}


def pinned(pins: str) -> list[Component]:
    """The wheels that a file of pins of this package lists, each with the hashes that any may have."""
    text = (Path(__file__).parents[1] / pins).read_text(encoding="utf-8")
    return [_wheel(found) for found in _PIN.finditer(text)]


def _wheel(found: re.Match[str]) -> Component:
    part = library(found["name"], found["version"])
    hashes = [{"alg": "SHA-256", "content": digest} for digest in _SHA256.findall(found["hashes"])]
    page = f"https://pypi.org/project/{quote(found['name'])}/{quote(found['version'])}/"
    part["externalReferences"] = [{"type": "distribution", "url": page, "hashes": hashes}]
    if found["marker"]:
        part |= {"scope": "optional", **properties({"marker": found["marker"].strip()})}
    return part


def properties(values: Mapping[str, object]) -> dict[str, list[dict[str, str]]]:
    """Facts that CycloneDX has no word for, each below `aimass:`."""
    return {
        "properties": [
            {"name": f"aimass:{name}", "value": value if isinstance(value, str) else json.dumps(value)}
            for name, value in sorted(values.items())
        ]
    }
