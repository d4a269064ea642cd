"""What an API server would say to manifests: kustomize builds them, and strict schemas judge them.

The folder is no package: one called `kubernetes` would hide the Kubernetes client from the tests.
"""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.programs.kustomize import Kustomize, KustomizeError, find
from aimass_compiler.render import render
from tests.harness.releases import released

KUBERNETES = "1.34"
SCHEMAS = Path(__file__).parent / "schemas"
#: What Kustomize makes of a folder of a pipeline, both by their names.
Objects = Callable[[str, str], list[dict[str, Any]]]


def kustomize() -> Kustomize | str:
    """Kustomize from PATH or from the environment that runs the tests; else the reason why there is none."""
    path = os.pathsep.join((os.environ.get("PATH", ""), sysconfig.get_path("scripts")))
    before, os.environ["PATH"] = os.environ.get("PATH", ""), path
    try:
        return find()
    except KustomizeError as error:
        return str(error)
    finally:
        os.environ["PATH"] = before


def write(pipeline: Pipeline, root: Path) -> Path:
    """Everything that is rendered of the pipeline, released, in a project at `root`; answers its folder."""
    return released(root, pipeline.name, render(pipeline))


def violations(document: dict[str, Any]) -> list[str]:
    """What the API server would not take of an object; empty when it would take it all."""
    name = f"{document['kind']}/{document['metadata']['name']}"
    schema = SCHEMAS / f"{document['kind'].lower()}_{document['apiVersion'].rpartition('/')[2]}.json"
    if schema.exists():
        errors = _validator(schema).iter_errors(document)
        return [f"{name}: {error.json_path}: {error.message}" for error in errors]
    try:
        kubernetes_validate.validate(document, KUBERNETES, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [f"{name}: {error.message}"]
    return []


@cache
def _validator(schema: Path) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(schema.read_text(encoding="utf-8")))
