"""Secrets are found wherever they stand in a file, and what only looks like one is left alone."""

from __future__ import annotations

import pytest

from aimass_compiler.checks import check_text
from aimass_compiler.diagnostics import Place
from tests.checks.kinds_of_secrets import OF_KINDS

#: Put together here, so that the repository holds nothing that scanners would call a secret.
GITHUB = "ghp_" + "a1B2" * 9
SLACK = "xoxb-" + "1234567890-abcdef"
KEY = "-----BEGIN RSA " + "PRIVATE KEY-----"
SIGNED = "https://lake.example.com/rows.csv?X-Amz-Signature=" + "0123456789abcdef"


def codes(text: str) -> list[str]:
    return [finding.code for finding in check_text(text, "specs/churn.yaml")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("path: s3://key:secret@lake/rows.csv", "AM330"),
        ("server: postgres://user:pw@db.example.com:5432/rows", "AM330"),
        ("# once postgres://user:pw@db/rows", "AM330"),
        (f"path: {SIGNED}", "AM330"),
        (f"token: {GITHUB}", "AM331"),
        (f"description: ask {SLACK}", "AM331"),
        (f"description: |\n  {KEY}", "AM331"),
        ("note: Zk3vQ9xT1mB7cR5yW8nL2pH6sD4gJ0aF", "AM332"),
        ("description: log in with password=Tr0ub4dor&3", "AM332"),
        ("storage: {api_key: 'a1b2c3d4e5'}", "AM332"),
    ],
)
def test_a_secret_is_found(text: str, code: str) -> None:
    assert codes(text) == [code]


@pytest.mark.parametrize(
    "text",
    [
        "path: s3://lake/rows.csv",
        "server: https://cluster.example.com:6443",
        "path: https://user@lake.example.com/rows.csv",
        "path: https://user:${PASSWORD}@lake.example.com/rows.csv",
        "python: python@sha256:9f86d081884c7d659a2feaa0c55ad0159f86d081884c7d659a2feaa0c55ad015",
        "owner: growth@example.com",
        "description: AVeryLongNameThatSomebodyWroteInOneWordForFun",
        "columns: {token: category, password: {type: text}, api_key: number}",
        "sources: {token: data/tokens-2026.csv, secret: s3://lake/secret-2026.parquet}",
        "description: the token is 1234567890",
        "path: data/Some-Long/Path-With/Many-Parts/2026-01-31/part-00000.parquet",
    ],
)
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert codes(text) == []


@pytest.mark.parametrize("kind", OF_KINDS)
def test_what_detect_secrets_knows_is_refused(kind: str) -> None:
    assert set(codes(f"metadata:\n  description: {OF_KINDS[kind]}\n")) <= {"AM330", "AM331"}
    assert codes(f"metadata:\n  description: {OF_KINDS[kind]}\n")


def test_it_points_at_the_secret_alone_and_does_not_repeat_it() -> None:
    [finding] = check_text("a: 1\nb: s3://key:hunter2@lake/rows.csv\n", "specs/churn.yaml")
    assert finding.place == Place(2, 13, 2, 20)
    assert "hunter2" not in finding.message + finding.help
