"""A language model's package: each file that serves held against the manifest, and the signature read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.package_files import (
    content_of,
    damaged,
    document_in,
    unreadable,
)
from aimass_compiler.runtime.server.response import shown

_CONFIG = "genai_config.json"
_TOKENIZER = "tokenizer.json"
_TEMPLATE = "chat_template.jinja"
#: What is served from; a manifest may list more.
_NEEDED = (
    conventions.SIGNATURE_FILE,
    conventions.GOLDEN_FILE,
    *(f"{conventions.ONNX_FOLDER}/{name}" for name in (_CONFIG, _TOKENIZER, _TEMPLATE)),
)
#: What another engine reads and this one does not: to hash it would take longer than to load what is served.
_UNREAD = f"{conventions.WEIGHTS_FOLDER}/"
#: Of answers: any words.
TEXT = "text"
KINDS = (TEXT, "choice", "json")


@dataclass(frozen=True, slots=True)
class Output:
    """What an answer looks like, as the target's declaration says."""

    kind: str
    """One of `KINDS`."""
    choices: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class LanguageSignature:
    """What the model reads and answers."""

    model: str
    version: str
    trained_at: str
    context: int
    """The most tokens of prompt and answer together."""
    stop_ids: frozenset[int]
    """The tokens that end an answer."""
    output: Output


@dataclass(frozen=True, slots=True)
class LanguagePackage:
    """What is served: the folder that the engine loads, and what is said about it."""

    folder: Path
    """The engine's folder."""
    signature: LanguageSignature
    template: str
    """The chat template, in Jinja."""
    vocabulary: Mapping[str, int]
    golden: Mapping[str, Any]
    """Prompts with the tokens and log-probabilities that were certified."""


def read_language_package(folder: Path) -> LanguagePackage:
    """Read a package folder.

    Raises ServerFailure when a file is missing, is not the one that was packaged, or contradicts another.
    """
    _verify(folder)
    path = folder / conventions.SIGNATURE_FILE
    try:
        signature = _signature(document_in(path, conventions.LANGUAGE_PACKAGE_FORMAT))
    except (KeyError, TypeError, ValueError) as error:
        message = f"lacks {error}" if isinstance(error, KeyError) else f"does not fit: {error}"
        raise damaged(f"{path} {message}") from error
    engine = folder / conventions.ONNX_FOLDER
    _agree(signature, engine / _CONFIG)
    return LanguagePackage(
        engine,
        signature,
        content_of(engine / _TEMPLATE).decode(),
        _vocabulary(engine / _TOKENIZER),
        document_in(folder / conventions.GOLDEN_FILE, conventions.GOLDEN_ANSWERS_FORMAT),
    )


def _signature(document: Mapping[str, Any]) -> LanguageSignature:
    if "adapter_of" in document:
        message = (
            "is an adapter, which this engine does not serve beside its base; `serving.engine: vllm` does"
        )
        raise ValueError(message)
    context, stop_ids = document["context"], document["stop_ids"]
    if type(context) is not int or context < 2:  # noqa: PLR2004  # a token of the prompt, and one of the answer
        raise ValueError(f"`context` is {shown(context)}, no number of tokens")
    if not isinstance(stop_ids, list) or not stop_ids or not all(type(item) is int for item in stop_ids):
        raise ValueError(f"`stop_ids` is {shown(stop_ids)}, no list of tokens")
    model, version, trained = (document[key] for key in ("model", "version", "trained_at"))
    if not all(isinstance(text, str) and text for text in (model, version, trained)):
        raise ValueError("`model`, `version` and `trained_at` must be strings")
    return LanguageSignature(
        model, version, trained, context, frozenset(stop_ids), _output(document["output"])
    )


def _output(document: Mapping[str, Any]) -> Output:
    kind, choices = document["kind"], document.get("choices", [])
    schema = document.get("schema")
    if kind not in KINDS:
        raise ValueError(f"`output` is of kind {shown(kind)}, none of {', '.join(KINDS)}")
    if kind == "choice" and (not choices or not all(isinstance(item, str) and item for item in choices)):
        raise ValueError(f"the choices of `output` are {shown(choices)}")
    if kind == "json" and not isinstance(schema, Mapping):
        raise ValueError(f"the schema of `output` is {shown(schema)}, not an object")
    return Output(kind, tuple(choices), schema)


def _agree(signature: LanguageSignature, path: Path) -> None:
    """Hold the signature against what the engine is configured to do."""
    try:
        model = orjson.loads(content_of(path))["model"]
        found = model["eos_token_id"]
        stops = frozenset(found if isinstance(found, list) else [found])
        context = int(model["context_length"])
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"{path} is no configuration of onnxruntime-genai: {error!r}") from error
    if stops != signature.stop_ids:
        wanted = sorted(signature.stop_ids)
        raise damaged(f"{path} ends answers with the tokens {sorted(stops)}, and the signature with {wanted}")
    if context < signature.context:
        raise damaged(f"{path} has a context of {context}, and the signature one of {signature.context}")


def _vocabulary(path: Path) -> dict[str, int]:
    """Every token by its text, as the tokenizer's file writes it."""
    try:
        document = orjson.loads(content_of(path))
        found = document["model"]["vocab"]
        pieces = (
            found.items() if isinstance(found, dict) else ((entry[0], at) for at, entry in enumerate(found))
        )
        added = {token["content"]: token["id"] for token in document.get("added_tokens", [])}
        return {**dict(pieces), **added}
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(f"{path} is no tokenizer: {error!r}") from error


def _verify(folder: Path) -> None:
    path = folder / conventions.MANIFEST_FILE
    listed = document_in(path, conventions.MANIFEST_FORMAT).get("files")
    digests: dict[str, Any] = listed if isinstance(listed, dict) else {}
    lacking = next((name for name in _NEEDED if name not in digests), None)
    if lacking is not None:
        raise damaged(f"{path} does not list {lacking}")
    for name in sorted(name for name in digests if not name.startswith(_UNREAD)):
        if ".." in Path(name).parts:
            raise damaged(f"{path} lists {shown(name)}, which is no file beside it")
        actual = _digest(folder / name)
        if actual != digests[name]:
            message = f"{folder / name} is not the file that was packaged: its SHA-256 is {actual}"
            raise damaged(f"{message}, where {conventions.MANIFEST_FILE} has {str(digests[name])[:64]}")
    for found in sorted(folder.rglob("*")):
        name = found.relative_to(folder).as_posix()
        is_hidden = any(part.startswith(".") for part in found.relative_to(folder).parts)
        if found.is_file() and name not in {*digests, conventions.MANIFEST_FILE} and not is_hidden:
            raise damaged(f"{path} does not list {name}")


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise unreadable(path, error) from error
