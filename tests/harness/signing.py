"""Keys to sign with, and the real cosign, which knows no service of the world outside."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from scripts.cluster import programs


@dataclass(frozen=True)
class KeyPair:
    """A private key and the public one that belongs to it, in PEM."""

    private: Path
    public: Path


def key_pair(folder: Path, name: str) -> KeyPair:
    """A new pair of keys, as `openssl ecparam -name prime256v1 -genkey` makes one."""
    key = ec.generate_private_key(ec.SECP256R1())
    pair = KeyPair(folder / f"{name}.pem", folder / f"{name}.pub")
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pair.private.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    pair.public.write_bytes(key.public_key().public_bytes(serialization.Encoding.PEM, public))
    return pair


def cosign_on_the_path(patch: pytest.MonkeyPatch, folder: Path) -> Path:
    """Have cosign on the PATH, with a cache of its own; skip where it cannot be had, and fail in CI."""
    try:
        program = programs.program("cosign")
    except (programs.ProgramMissing, programs.BuildFailed) as error:
        if os.environ.get("CI"):
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))
    patch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")
    patch.setenv("TUF_ROOT", str(folder))
    return program
