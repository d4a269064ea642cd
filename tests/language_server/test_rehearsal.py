"""`aimass rebase` tries a language model's package on the server, as it does that of rows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.delivery import rehearsal
from aimass_compiler.delivery.rehearsal import RehearsalFailed
from aimass_compiler.programs import model_server

if TYPE_CHECKING:
    from pathlib import Path

    from language_server.asking import TextServer


def test_a_package_is_rehearsed_by_its_golden_prompts(example: Path) -> None:
    found = rehearsal.rehearse(example)
    assert found.passed
    assert set(found.latency_ms) == {"p50", "p95", "p99"}


def test_another_answer_than_the_certified_one_fails_the_rehearsal(example: Path, text: TextServer) -> None:
    golden = json.loads((example / "golden.json").read_text())
    golden["prompts"][1]["log_probabilities"][0] -= 2 * golden["tolerance"]
    url = f"http://{model_server.HOST}:{text.server.port}"
    with pytest.raises(RehearsalFailed, match="certified"):
        list(rehearsal._texts(golden, url))
