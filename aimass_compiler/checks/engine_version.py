"""vLLM runs in the version whose options and metrics are known."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aimass_compiler.catalog.language_engine import VLLM
from aimass_compiler.checks._example import Example
from aimass_compiler.conventions import SETTINGS_FILE, VLLM_VERSION
from aimass_compiler.diagnostics import Explanation, Finding, Related, Severity

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline

NEEDS = ("settings", "model", "serving", "environments")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM459",
        "vLLM runs in another version than its options are of",
        "vLLM renames options and metrics between its versions: with another one, servers may not start, "
        "alerts watch series that are not there, and scaling does nothing. The options, the metrics in "
        "alerts and dashboards and the rules of this compiler are those of 0.32. A tag without a "
        "version, or a digest alone, is not checked.",
    ),
)
_SERVED = "serving: {engine: vllm, resources: {memory: 64Gi}}"
_IMAGE = "images: {vllm: 'vllm/vllm-openai:v0.32.0', vllm_cpu: 'vllm/vllm-openai-cpu:%s'}"
EXAMPLES = (
    Example(
        "AM459", fails=_SERVED, passes="serving: {engine: onnx}", of="language", settings=_IMAGE % "v0.11.0"
    ),
)
_KNOWN = tuple(VLLM_VERSION.split(".")[:2])


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """The images of vLLM that environments run, where their tags name another version."""
    images, told = pipeline.settings.images, set()
    for environment in pipeline.environments.values():
        key = "vllm_cpu" if environment.accelerator is None else "vllm"
        found = re.search(r":v?(\d+)\.(\d+)[\w.-]*(@|$)", getattr(images, key))
        if (
            environment.serving.engine != VLLM.name
            or found is None
            or found.group(1, 2) == _KNOWN
            or key in told
        ):
            continue
        told.add(key)
        known = ".".join(_KNOWN)
        message = f"`{getattr(images, key)}` is not vLLM {known}, whose options and metrics are known"
        note = Related(("images", key), "its image", file=SETTINGS_FILE)
        help_ = f"set `images.{key}` in {SETTINGS_FILE} to a tag of {known}"
        yield Finding("AM459", ("model",), message, help=help_, severity=Severity.WARNING, related=(note,))
