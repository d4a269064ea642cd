"""The bill of materials of a version: what it is, what it reached, and all that it was made from.

Every fact is one that the record of the version or the package has; nothing is looked up.
Source: https://cyclonedx.org/capabilities/mlbom/
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from aimass_compiler import conventions
from aimass_compiler.delivery.cyclonedx import Component, bill, image, library, model, properties
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.releases.version_record import VersionRecord

_MD5 = re.compile("[0-9a-f]{32}")
#: What DVC calls the hash of a folder, which is that of a list of its files.
_FOLDER = ".dir"


def model_bill(record: VersionRecord, pipeline: Pipeline, package: Path) -> bytes:
    """The document about a version, whose package lies in a folder."""
    parts = [*_data(record, pipeline), *_base(record, pipeline), *_images(record, pipeline)]
    parts += [library(name, version) for name, version in record.trained_with.items()]
    return bill(_model(record, pipeline, package), parts, record.trained_at)


def _model(record: VersionRecord, pipeline: Pipeline, package: Path) -> Component:
    about = pipeline.metadata
    found: Component = {
        **model(record),
        "components": [*_files(package)],
        "modelCard": _card(record, pipeline),
        "externalReferences": [*_links(record)],
        **properties(
            {"commit": record.commit, "compiler": record.compiler, "version": record.package_version}
        ),
    }
    if about.description:
        found["description"] = about.description
    if about.owner:
        found["authors"] = [{"name": about.owner}]
    return found


def _files(package: Path) -> Iterator[Component]:
    listed = json.loads((package / conventions.MANIFEST_FILE).read_bytes())["files"]
    for name, digest in sorted(listed.items()):
        yield {
            "type": "file",
            "bom-ref": f"file:{name}",
            "name": name,
            "hashes": [{"alg": "SHA-256", "content": digest}],
        }


def _links(record: VersionRecord) -> Iterator[dict[str, str]]:
    if record.package_image.is_in_registry:
        yield {"type": "distribution", "url": f"oci://{record.package_image.reference}"}
    if record.run:
        yield {"type": "build-meta", "url": record.run}


def _card(record: VersionRecord, pipeline: Pipeline) -> dict[str, Any]:
    parameters = {key: value for key, value in record.parameters.items() if key != conventions.TRIAL_MODEL}
    facts = {f"hyperparameter:{name}": value for name, value in parameters.items()}
    facts |= {f"gate:{gate.gate}": "passed" if gate.passed else "missed" for gate in record.gates}
    if record.parity:
        facts["parity"] = record.parity
    task = pipeline.task
    described = pipeline.metadata.description
    return {
        "modelParameters": {
            "approach": {"type": "supervised" if task.has_target else "unsupervised"},
            "task": record.contract.task,
            "modelArchitecture": str(
                record.parameters.get(conventions.TRIAL_MODEL, pipeline.first_model.kind)
            ),
            "datasets": [{"ref": part["bom-ref"]} for part in _data(record, pipeline)],
            "inputs": [{"format": f"{name}: {column.type}"} for name, column in _read(record)],
            "outputs": [{"format": f"{record.contract.target or task.served_as}: {record.contract.task}"}],
        },
        "quantitativeAnalysis": {"performanceMetrics": [*_metrics(record)]},
        **({"considerations": {"useCases": [described]}} if described else {}),
        **properties(facts),
    }


def _read(record: VersionRecord) -> list[tuple[str, Any]]:
    return [(name, column) for name, column in record.contract.columns.items() if column.is_read]


def _metrics(record: VersionRecord) -> Iterator[dict[str, str]]:
    for split, values in record.metrics.items():
        for metric, value in _numbers(values):
            yield {"type": metric, "value": value, "slice": split}
    for column, parts in record.slices.items():
        for part, values in parts.items() if isinstance(parts, Mapping) else ():
            for metric, value in _numbers(values):
                yield {"type": metric, "value": value, "slice": f"test, {column} is {part}"}


def _numbers(values: object) -> Iterator[tuple[str, str]]:
    for name, value in values.items() if isinstance(values, Mapping) else ():
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield name, json.dumps(value)


def _data(record: VersionRecord, pipeline: Pipeline) -> list[Component]:
    """The files that were read, by the hash that DVC has of each; the base is none of them."""
    how = pipeline.task.conversation
    of_base = () if how is None else how.base.dependencies
    return [
        {
            "type": "data",
            "bom-ref": f"data:{path}",
            "name": path,
            "data": [{"type": "dataset", "name": path}],
            **_known_by(known),
        }
        for path, known in sorted(record.data.items())
        if path not in of_base
    ]


def _known_by(known: str) -> dict[str, Any]:
    """The hash that DVC has: of a file, of a list of a folder's files, or whatever a service calls it."""
    if _MD5.fullmatch(known):
        return {"hashes": [{"alg": "MD5", "content": known}]}
    return properties({"dvc-folder" if known.endswith(_FOLDER) else "etag": known}) if known else {}


def _base(record: VersionRecord, pipeline: Pipeline) -> Iterator[Component]:
    """The model that it was fine-tuned from, where it was."""
    how = pipeline.task.conversation
    if how is not None:
        known = [record.data[path] for path in how.base.dependencies if path in record.data]
        yield {
            "type": "machine-learning-model",
            "bom-ref": f"base:{how.base.shown}",
            "name": how.base.shown,
            "description": "the base that it was fine-tuned from",
            **_known_by(known[0] if known else ""),
        }


def _images(record: VersionRecord, pipeline: Pipeline) -> Iterator[Component]:
    yield image(pipeline.settings.images.python, "the base of the server's image")
    if record.server_image is not None:
        yield image(record.server_image.reference, "the server")
