"""The file that says who may ask, as the compiler writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from aimass_compiler import access_folder

if TYPE_CHECKING:
    from pathlib import Path


class PolicyFault(Exception):  # noqa: N818  # of a file that was given, not an error of ours
    """The file cannot be read, or says what cannot be."""


@dataclass(frozen=True, slots=True)
class TokenClaims:
    """What a token must say to belong to a caller."""

    caller: str
    claims: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Issuer:
    """Whose tokens are believed, for whom they must be made, and where the public keys are."""

    url: str
    audience: str
    keys: str
    """A URL, or empty where the file of the issuer's name has them."""
    callers: tuple[TokenClaims, ...]


@dataclass(frozen=True, slots=True)
class CallerPolicy:
    """Who may ask, and how much."""

    limits: Mapping[str, tuple[Mapping[str, Any], ...]]
    """Of each caller."""
    keyed: frozenset[str]
    """The callers that are known by a key."""
    issuers: Mapping[str, Issuer]
    certificates: Mapping[str, str]
    """The callers by the SPIFFE IDs of their certificates."""
    trusted: str
    """Who is believed about certificates: the `gateway` that knows the credential, or a `sidecar`."""
    replicas: int
    """How many servers share a limit."""


def read_policy(path: Path) -> CallerPolicy:
    """The policy. Raises PolicyFault."""
    try:
        document = orjson.loads(path.read_bytes())
        if document["format"] != access_folder.ACCESS_FORMAT:
            raise PolicyFault(f"{path} has the format {document['format']!r}")
        return _policy(document)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise PolicyFault(f"{path} cannot be read: {type(error).__name__}: {error}") from error


def _policy(document: Mapping[str, Any]) -> CallerPolicy:
    callers: Mapping[str, Mapping[str, Any]] = document["callers"]
    tokens = {name: caller["token"] for name, caller in callers.items() if "token" in caller}
    certificates = {
        caller["certificate"]: name for name, caller in callers.items() if "certificate" in caller
    }
    issuers = {
        name: Issuer(
            issuer["url"],
            issuer["audience"],
            issuer.get("keys", ""),
            tuple(
                TokenClaims(caller, token["claims"])
                for caller, token in tokens.items()
                if token["issuer"] == name
            ),
        )
        for name, issuer in document.get("issuers", {}).items()
    }
    return CallerPolicy(
        limits={name: tuple(caller.get("limits", ())) for name, caller in callers.items()},
        keyed=frozenset(callers) - set(tokens) - set(certificates.values()),
        issuers=issuers,
        certificates=certificates,
        trusted=document.get("trusted", ""),
        replicas=max(1, int(document.get("replicas", 1))),
    )
