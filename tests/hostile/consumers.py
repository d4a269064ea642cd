"""What reads the generated files, each as strictly as the program that will."""

from __future__ import annotations

import io
import json
import re
from functools import lru_cache
from typing import Any, ClassVar

import yaml
from dvc.parsing import DataResolver
from dvc.schema import COMPILED_MULTI_STAGE_SCHEMA
from ruamel.yaml import YAML

_LABEL = re.compile(r'\s+([a-z.]+)="((?:[^"\\$\n]|\\["\\$])*)"')
_PRINTED = re.compile(r'\{\{("[^"\\]*")\}\}')
#: What other contents change: digests of files, in tags and names.
DIGEST = re.compile(r"\b[0-9a-f]{8,64}\b")


@lru_cache(1000)
def read(path: str, content: bytes) -> Any:
    """What the file says to its reader."""
    text = content.decode()
    if path.endswith("Dockerfile"):
        return [_instruction(line) for line in _lines(text)]
    if path.endswith(".json"):
        return json.loads(text)
    old = list(yaml.load_all(text, yaml.CSafeLoader))
    assert old == list(YAML(typ="safe", pure=True).load_all(io.StringIO(text))), "YAML 1.1 and 1.2 agree"
    if path.endswith("alerts.yaml"):
        return _of_prometheus(old)
    return [_of_dvc(old[0])] if path.endswith("dvc.yaml") else old


def _of_prometheus(data: Any) -> Any:
    """The rules after Prometheus filled in the templates that are nothing but a string."""
    if isinstance(data, str):
        return _PRINTED.sub(lambda found: str(json.loads(found[1])), data)
    if isinstance(data, dict):
        return {key: _of_prometheus(value) for key, value in data.items()}
    return [_of_prometheus(value) for value in data] if isinstance(data, list) else data


def compared(path: str, data: Any) -> Any:
    """The data without digests and the order of files, which other words change, to be compared."""
    told = json.loads(DIGEST.sub("digest", json.dumps(data, sort_keys=True)))
    if path.endswith("dvc.yaml"):
        for stage in told[0]["stages"].values():
            stage["deps"].sort()
    if path.endswith("Dockerfile"):  # a label is one line: what is no space and cannot be printed is left out
        return [_squeezed(line) if isinstance(line, dict) else line for line in told]
    if path.endswith("server.yaml"):  # so are the notes of a Deployment, for Kustomize writes nothing else
        for document in told:
            metadata = document["metadata"]
            if "annotations" in metadata:
                metadata["annotations"] = _squeezed(metadata["annotations"])
    return told


def _squeezed(labels: dict[str, str]) -> dict[str, str]:
    return {key: "".join(c for c in text if c.isprintable() and c != " ") for key, text in labels.items()}


def _lines(text: str) -> list[str]:
    """The instructions of a Dockerfile: comments go, and a backslash at the end continues a line."""
    kept = "\n".join(line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))
    return kept.replace("\\\n", "").split("\n")


def _instruction(line: str) -> Any:
    word, _, rest = line.partition(" ")
    if word != "LABEL":
        return line
    assert re.fullmatch(f"(?:{_LABEL.pattern})+", f" {rest}"), line
    return {key: re.sub(r'\\(["\\$])', r"\1", value) for key, value in _LABEL.findall(f" {rest}")}


class _Nowhere:
    """The repository that DVC's resolver asks for: it has no parameters."""

    class fs:  # noqa: N801  # DVC's name
        @staticmethod
        def normpath(path: str) -> str:
            return path

        @staticmethod
        def join(*parts: str) -> str:
            return "/".join(parts)

        @staticmethod
        def exists(_: str) -> bool:
            return False

    config: ClassVar[dict[str, Any]] = {}


def _of_dvc(data: Any) -> Any:
    """A dvc.yaml after DVC filled in its templates."""
    COMPILED_MULTI_STAGE_SCHEMA(data)
    resolver = DataResolver(_Nowhere, "", data)  # type: ignore[arg-type]  # as much of it as is asked
    found = {**data, **resolver.resolve()}
    for part in ("artifacts", "metrics", "params", "plots"):
        if part in data:
            found[part] = getattr(resolver, f"resolve_{part}")()
    return found
