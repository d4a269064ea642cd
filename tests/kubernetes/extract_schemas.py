"""Writes schemas/ anew: JSON Schemas of the custom resources that are rendered, from their releases.

    python -m tests.kubernetes.extract_schemas        (needs Go, for its module proxy)

A CRD's openAPIV3Schema lets unknown fields through; here they are refused, as a server-side apply does
with strict field validation. The rules in CEL (x-kubernetes-validations) are not checked.
"""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from scripts.cluster.custom_resources import RENDERED, rendered

SCHEMAS = Path(__file__).parent / "schemas"
_BOUNDS = ("minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")
_KEPT = ("type", "enum", "required", "pattern", *_BOUNDS)
_WORTH_SHARING = 120  # characters; below, a reference is no shorter than what it stands for


def strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The part of a structural schema that JSON Schema knows, closed to unknown fields."""
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    kept = {key: schema[key] for key in _KEPT if key in schema}
    if "(?i)" in kept.get("pattern", ""):
        del kept["pattern"]  # RE2's flags inside an expression, which Python does not read
    if "properties" in schema:
        kept["properties"] = {key: strict(value) for key, value in schema["properties"].items()}
    if isinstance(schema.get("additionalProperties"), dict):
        kept["additionalProperties"] = strict(schema["additionalProperties"])
    elif schema.get("type") == "object" and not schema.get("x-kubernetes-preserve-unknown-fields"):
        kept["additionalProperties"] = False
    if "items" in schema:
        kept["items"] = strict(schema["items"])
    return kept


def whole(document: dict[str, Any], version: str) -> dict[str, Any]:
    """The schema of a whole object: the API server itself knows apiVersion, kind and metadata."""
    served = next(found for found in document["spec"]["versions"] if found["name"] == version)
    schema = strict(served["schema"]["openAPIV3Schema"])
    schema["required"] = sorted({"apiVersion", "kind", "metadata", *schema.get("required", ())})
    schema["properties"]["apiVersion"] = {"const": f"{document['spec']['group']}/{version}"}
    schema["properties"]["kind"] = {"const": document["spec"]["names"]["kind"]}
    schema["properties"]["metadata"] = {
        "type": "object",
        "required": ["name"],
        "additionalProperties": False,
        "properties": {
            "name": {"type": "string"},
            "namespace": {"type": "string"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "annotations": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    }
    return schema


def shared(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema with every part that comes twice written once: a RayJob has a pod thrice."""
    texts: Counter[str] = Counter()
    _count(schema, texts)
    repeated = sorted(text for text, times in texts.items() if times > 1 and len(text) >= _WORTH_SHARING)
    names = {text: f"s{number}" for number, text in enumerate(repeated)}
    definitions = {names[text]: _referring(json.loads(text), names, is_definition=True) for text in repeated}
    return _referring(schema, names) | {"$defs": definitions}


def _count(node: Any, texts: Counter[str]) -> None:
    if isinstance(node, dict):
        if "type" in node and isinstance(node["type"], str):
            texts[json.dumps(node, sort_keys=True)] += 1
        for value in node.values():
            _count(value, texts)


def _referring(node: Any, names: dict[str, str], *, is_definition: bool = False) -> Any:
    if not isinstance(node, dict):
        return node
    name = None if is_definition else names.get(json.dumps(node, sort_keys=True))
    if name is not None:
        return {"$ref": f"#/$defs/{name}"}
    return {key: _referring(value, names) for key, value in node.items()}


def main() -> None:
    """Write every schema, named as kubeconform looks for it."""
    for stale in SCHEMAS.glob("*.json"):
        stale.unlink()
    for kind, (operator, file) in RENDERED.items():
        path = Path(operator.pattern).parent / file
        (definition,) = rendered([kind])
        document = json.loads(definition.read_text(encoding="utf-8"))
        version = next(found["name"] for found in document["spec"]["versions"] if found["storage"])
        schema = {"$comment": f"{path} of {operator.module}"} | shared(whole(document, version))
        text = json.dumps(schema, sort_keys=True, separators=(",", ":"))
        (SCHEMAS / f"{kind.lower()}_{version}.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
