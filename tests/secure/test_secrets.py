"""Our rules for secrets are held to Yelp's detect-secrets."""

from __future__ import annotations

import json
import subprocess

import pytest

from secure.programs import missing, program
from tests.checks.kinds_of_secrets import OF_KINDS

_ASK = """
import json, sys
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import default_settings
with default_settings():
    found = {kind: [one.type for one in scan_line(text)] for kind, text in json.load(sys.stdin).items()}
print(json.dumps(found))
"""
_BY_LOOKS = {"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword"}


def test_each_kind_is_one_that_detect_secrets_knows_by_its_form() -> None:
    scanner = program("detect-secrets")
    if scanner is None:
        pytest.skip(missing("detect-secrets"))
    python = scanner.with_name("python")
    told = json.dumps(OF_KINDS)
    asked = subprocess.run([python, "-c", _ASK], input=told, capture_output=True, text=True, check=False)
    for kind, types in json.loads(asked.stdout).items():
        assert set(types) - _BY_LOOKS, kind
