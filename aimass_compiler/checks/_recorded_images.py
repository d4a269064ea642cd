"""A digest on record is of an image that is there: a spec describes its model."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler import conventions
from aimass_compiler.diagnostics import Finding, Severity, did_you_mean
from aimass_compiler.explanations import Example, Explanation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

EXPLANATIONS = (
    Explanation(
        "AM449",
        "the digest on record is of no image that there is",
        "`images.digests` in aimass.yaml names images as the registry does: `churn` serves the model of "
        "`specs/churn.yaml`, and `churn-train` trains it. A name that is misspelt pins nothing, so that the "
        "cluster runs whatever the tag stands for by then. Where the model is gone, so may its record be. "
        "Every spec of the project counts, also those that are not being compiled.",
    ),
)

_DIGEST = f"sha256:{'0' * 64}"
EXAMPLES = (
    Example(
        "AM449",
        f"images: {{digests: {{chrun: 'spec-0123456789ab@{_DIGEST}'}}}}\n",
        "images: {digests: {}}\n",
        "settings",
    ),
)


def findings(digests: Mapping[str, str], models: Callable[[], Iterable[str]]) -> Iterator[Finding]:
    """Names that no model has; the models are asked for where there is a digest, for they are many."""
    described = frozenset(models()) if digests else frozenset()
    images = {name for model in described for name in (model, conventions.TRAINING_IMAGE.format(model=model))}
    for name in digests:
        if name not in images:
            message = f"no spec describes a model whose image is called `{name}`, so this digest pins nothing"
            hint = did_you_mean(name, images) or "remove it, if its model is gone"
            severity = Severity.WARNING
            yield Finding(
                "AM449", ("images", "digests", name), message, help=hint, severity=severity, at_key=True
            )
