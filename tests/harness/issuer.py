"""An issuer of tokens with a key of its own, and the folder by which a server knows its callers."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from aimass_compiler import access_folder

URL, AUDIENCE, KEY_ID = "https://login.example.com/", "churn", "first"


class TestIssuer:
    """Signs tokens; `keys` is what it publishes."""

    __test__ = False

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        public = ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        self.keys = json.dumps({"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": "ES256"}]})

    def token(self, seconds: float = 60, **claims: Any) -> str:
        """A token that is good for so long."""
        usual = {"iss": URL, "aud": AUDIENCE, "exp": time.time() + seconds}
        return jwt.encode({**usual, **claims}, self._key, "ES256", {"kid": KEY_ID})


def mounted(
    root: Path,
    callers: dict[str, dict[str, Any]],
    *,
    keys: dict[str, str] | None = None,
    issuer: TestIssuer | None = None,
    **more: Any,
) -> Path:
    """The folder as it is mounted into a server; keys are `key-of-NAME-0123456789` unless given."""
    document = {"format": access_folder.ACCESS_FORMAT, "callers": callers, **more}
    if issuer is not None:
        document["issuers"] = {"login": {"url": URL, "audience": AUDIENCE}}
        write(
            root / access_folder.ACCESS_ISSUERS_FOLDER / "login" / access_folder.ACCESS_ISSUER_KEYS,
            issuer.keys,
        )
    write(root / access_folder.ACCESS_FILE, json.dumps(document))
    known_by_key = [name for name, caller in callers.items() if not {"token", "certificate"} & caller.keys()]
    for name, key in (keys or {name: key_of(name) for name in known_by_key}).items():
        write(root / access_folder.ACCESS_KEYS_FOLDER / name, key)
    return root


def key_of(caller: str) -> str:
    """The key that a caller has unless another is given."""
    return f"key-of-{caller}-0123456789"


def write(path: Path, text: str) -> None:
    """Write a file as the kubelet does: whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    half = path.with_name(f".{path.name}.new")
    half.write_text(text)
    half.replace(path)
