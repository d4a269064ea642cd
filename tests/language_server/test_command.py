"""`aimass predict` on a language model: rows in, answers out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from language_server.asking import TextServer

AIMASS = Path(sys.executable).with_name("aimass")


def predict(*arguments: str, rows: str = "") -> subprocess.CompletedProcess[str]:
    command = [str(AIMASS), "predict", *arguments]
    return subprocess.run(command, input=rows, capture_output=True, text=True, check=False, timeout=60)


def test_rows_are_answered_in_their_order(example: Path) -> None:
    asked = ("grüße aus Köln 🙂, and who are you", "I was charged twice, and please refund me")
    rows = "\n".join(json.dumps({"prompt": words}) for words in asked)
    done = predict(str(example), "-", rows=rows)
    answers = [json.loads(line)["answer"] for line in done.stdout.splitlines()]
    assert answers == ["other: we look into it", "billing: we look into it"], done.stderr


def test_a_server_that_runs_is_asked_by_its_address(text: TextServer) -> None:
    url = f"http://127.0.0.1:{text.server.port}"
    done = predict("example", "--url", url, "--row", '{"prompt": "thank you, and thank you"}')
    assert json.loads(done.stdout) == {"answer": "other: we look into it"}
    done = predict("example", "--url", url, "--row", '{"prompt": "' + "x" * 5000 + '"}')
    assert (done.returncode, "256" in done.stderr) == (1, True)


def test_a_row_without_the_column_and_an_explanation_are_refused(example: Path) -> None:
    assert "the row has no `prompt`" in predict(str(example), "--row", '{"x": 1}').stderr
    assert "no columns explain" in predict(str(example), "--example", "--explain").stderr
