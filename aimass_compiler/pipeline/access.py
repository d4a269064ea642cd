"""Who may ask a model, by name, and how much each may ask."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from aimass_compiler.catalog.quantities import Frozen, Integer, is_absent
from aimass_compiler.catalog.rate import Rate

#: What Kubernetes takes as the name of a Secret or a ConfigMap.
_OBJECT = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$"
#: A name that is an entry of a Secret and a label of a metric alike.
_NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
#: One line that a header, a manifest and an expression of a proxy bear as it is.
_VALUE = r"^[A-Za-z0-9](?:[A-Za-z0-9._~:/@|+=-]{0,198}[A-Za-z0-9/=])?$"
#: A URL whose port is one; what a token says of its issuer must be the same to the last character.
_ADDRESS = (
    r"^https://[A-Za-z0-9.-]+"
    r"(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?"
    r"(/[A-Za-z0-9._~/-]*)?$"
)

ObjectName = Annotated[str, StringConstraints(pattern=_OBJECT)]
CallerName = Annotated[str, StringConstraints(pattern=_NAME)]
Claims = Annotated[
    Mapping[
        Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,60}$")],
        Annotated[str, StringConstraints(pattern=_VALUE)],
    ],
    Field(min_length=1, max_length=5),
]


class CallerRate(Frozen):
    """How fast a caller may ask."""

    requests: Rate | None = None
    """Requests in a time, such as `50/s`."""
    burst: Annotated[Integer, Field(ge=1, le=1_000_000)] | None = Field(None, exclude_if=is_absent)
    """How many requests may come at once; by default those of one second at `requests`, and at least 10."""
    rows: Rate | None = Field(None, exclude_if=is_absent)
    """Rows in a time, for models of rows: a request of 1,000 rows costs 1,000."""
    tokens: Rate | None = Field(None, exclude_if=is_absent)
    """Tokens of prompts and answers in a time, for language models, such as `20000/m`."""

    @property
    def largest_burst(self) -> int:
        """How many requests may come at once."""
        if self.burst is not None or self.requests is None:
            return self.burst or 0
        return max(10, math.ceil(self.requests.number / self.requests.seconds))


class CallerQuota(Frozen):
    """How much a caller may ask in a day, which begins at midnight UTC."""

    requests: Annotated[Integer, Field(ge=1)] | None = None
    """Requests in a day."""
    rows: Annotated[Integer, Field(ge=1)] | None = Field(None, exclude_if=is_absent)
    """Rows in a day, for models of rows."""
    tokens: Annotated[Integer, Field(ge=1)] | None = Field(None, exclude_if=is_absent)
    """Tokens of prompts and answers in a day, for language models."""


class CallerToken(Frozen):
    """The tokens (JWT) that belong to a caller."""

    claims: Claims
    """What the token must say, such as `{azp: checkout}`; all of it."""
    issuer: CallerName | None = Field(None, exclude_if=is_absent)
    """Which of `issuers` signs it; left out where there is one."""


class Caller(Frozen):
    """One caller: what it is known by, and how much it may ask. By default it is known by a key."""

    token: CallerToken | None = Field(None, exclude_if=is_absent)
    """The signed token that it sends, instead of a key."""
    certificate: (
        Annotated[str, StringConstraints(pattern=r"^spiffe://[a-z0-9.-]+(/[A-Za-z0-9._-]+)+$")] | None
    ) = Field(None, exclude_if=is_absent)
    """The SPIFFE ID of its client certificate, which a gateway or a mesh verifies, instead of a key."""
    rate: CallerRate | None = None
    """How fast it may ask; by default as fast as the servers answer."""
    quota: CallerQuota | None = None
    """How much it may ask in a day; by default any amount."""

    @property
    def has_key(self) -> bool:
        """Whether it is known by a key."""
        return self.token is None and self.certificate is None


class TokenIssuer(Frozen):
    """Who signs tokens (JWT)."""

    url: Annotated[str, StringConstraints(pattern=_ADDRESS)]
    """The issuer as its tokens name it (`iss`), such as `https://login.example.com/`."""
    audience: Annotated[str, StringConstraints(pattern=_VALUE)]
    """For whom tokens must be made (`aud`), such as `churn`: one for another service opens nothing here."""
    keys: Annotated[str, StringConstraints(pattern=_ADDRESS)] | None = Field(None, exclude_if=is_absent)
    """Where its public keys (JWKS) are fetched."""
    config_map: ObjectName | None = Field(None, exclude_if=is_absent)
    """The ConfigMap of the namespace whose entry `jwks.json` has them instead: servers call no one."""


class Access(Frozen):
    """Who may ask; all others are refused. Without `access`, who reaches the servers may ask them."""

    merged_by_name: ClassVar[frozenset[str]] = frozenset(("callers", "issuers"))

    callers: Annotated[Mapping[CallerName, Caller], Field(min_length=1, max_length=5_000)]
    """The callers by their names, which metrics and logs have."""
    keys: ObjectName | None = Field(None, exclude_if=is_absent)
    """The Secret of the namespace with a key for each caller in the entry of its name, as it is or as
    `sha256:` and its digest. An entry `NAME.next` is a second key, for the time of a rotation."""
    issuers: Mapping[CallerName, TokenIssuer] = Field(
        default_factory=dict, exclude_if=lambda value: not value
    )
    """Who signs the tokens of callers."""
