"""Whose signature an environment wants on what runs there."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from aimass_compiler.catalog.quantities import Frozen


class ImageSignature(Frozen):
    """Whose signature by Sigstore an image must have."""

    key: str | None = Field(None, min_length=1)
    """The public key: a file of the repository, or the address of one that a service keeps."""
    identity: str | None = Field(None, min_length=1)
    """Who signed without a key, such as the workflow
    `https://github.com/acme/models/.github/workflows/aimass-train.yml@refs/heads/main`."""
    issuer: str | None = Field(None, min_length=1)
    """Who knows that identity, such as `https://token.actions.githubusercontent.com`."""
    ignore_tlog: bool = False
    """With `key`: whether signatures count that are in no transparency log, as of images whose names must not
    become public. By default the log must have them."""

    admission: Literal["policy-controller"] | None = None
    """What keeps other images out of the cluster: a policy is written for Sigstore's `policy-controller`; by
    default nothing does."""

    @property
    def is_legacy(self) -> bool:
        """Whether it must be in cosign's form of before bundles: policy-controller reads bundles without keys
        only.

        Source: `checkOptsFromAuthority` in pkg/webhook/validator.go of policy-controller 0.13.1
        """
        return self.key is not None and self.admission is not None

    @model_validator(mode="after")
    def _is_one_kind(self) -> Self:
        is_by_identity = self.identity is not None and self.issuer is not None
        if (self.key is not None) == is_by_identity or (self.key and (self.identity or self.issuer)):
            message = "`signature` must be either `key`, or `identity` and `issuer`"
            raise PydanticCustomError("signature", message)
        if self.ignore_tlog and self.key is None:
            message = "`ignore_tlog` goes with `key`: who signs without a key is known by the log alone"
            raise PydanticCustomError("signature", message)
        return self
