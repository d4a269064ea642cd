"""A warning that is accepted, with the reason."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen

#: Our own codes; checkov's rules; and kube-score's, which have no form of their own.
_CODE = re.compile(r"AM[0-9]{3}|(?P<checkov>CKV2?_[A-Z0-9]+_[0-9]+)|kube-score/(?P<kube_score>[a-z0-9-]+)")
_PLACE = re.compile(r"serving|training|environments\.[a-z0-9-]+")


def _is_code(value: str) -> str:
    if not _CODE.fullmatch(value):
        message = "{shown} is not a code such as `AM216`, `CKV_K8S_11` or `kube-score/container-resources`"
        raise PydanticCustomError("code", message, {"shown": f"`{value}`"})
    return value


class Waiver(Frozen):
    """A warning that is accepted, with the reason. Errors cannot be accepted."""

    code: Annotated[str, AfterValidator(_is_code)]
    """The code of the warning, such as `AM216`, which `aimass explain AM216` explains; or a rule of a
    scanner of manifests: `CKV_K8S_11` of checkov, `kube-score/container-resources`."""
    at: str | None = None
    """Where it is accepted, such as `data.columns.note` or `features.2`, and for a scanner's rule
    `serving`, `training` or `environments.dev`; by default everywhere."""
    reason: str = Field(min_length=1)
    """Why, for those who read the spec next."""

    @model_validator(mode="after")
    def _is_placed(self) -> Self:
        if self.is_of_scanner and self.at is not None and not _PLACE.fullmatch(self.at):
            raise PydanticCustomError(
                "scanner_place",
                "a scanner's rule is accepted at `serving`, `training` or `environments.NAME`, not at `{at}`",
                {"at": self.at},
            )
        return self

    @property
    def is_of_scanner(self) -> bool:
        """Whether it is a scanner of manifests that finds this, and not the compiler."""
        return bool(self.checkov or self.kube_score)

    @property
    def checkov(self) -> str | None:
        """The rule as checkov calls it."""
        found = _CODE.fullmatch(self.code)
        return found["checkov"] if found else None

    @property
    def kube_score(self) -> str | None:
        """The rule as kube-score calls it."""
        found = _CODE.fullmatch(self.code)
        return found["kube_score"] if found else None
