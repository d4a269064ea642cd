"""Our rules for secrets are held to Yelp's detect-secrets, which checkov brings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

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
    checkov = program("checkov")
    python = checkov.resolve().with_name("python") if checkov else Path(sys.executable)
    told = json.dumps(OF_KINDS)
    asked = subprocess.run([python, "-c", _ASK], input=told, capture_output=True, text=True, check=False)
    if "ModuleNotFoundError" in asked.stderr:
        pytest.skip(missing("detect-secrets"))
    for kind, types in json.loads(asked.stdout).items():
        assert set(types) - _BY_LOOKS, kind
