"""Projects of many models, as git has them: compiled, with versions, some of them released."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

from tests.harness.version_records import recorded, released


def project_of(root: Path, *models: str, owner: str = "owner", description: str = "") -> Path:
    """A project in which each model has two versions, and the first of them runs in dev."""
    for number, model in enumerate(models):
        pipeline = {
            "metadata": {"name": model, "owner": f"{owner}{number % 7}", "description": description},
            "task": {"kind": ("classification", "regression")[number % 2], "target": "churned"},
            "objective": {"metric": "roc_auc"},
            "environments": {"dev": {}, "prod": {}},
            "data": {"columns": {"age": {"type": "number", "unit": "years"}}},
        }
        for path, text in (
            (f"specs/{model}.yaml", ""),
            (f"generated/{model}/pipeline.json", json.dumps(pipeline)),
        ):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        first = recorded(root, model, 1)
        recorded(root, model, 2, metrics={"test": {"roc_auc": 0.9}})
        released(root, first, "dev")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "All"]):
        who = ["-c", "user.name=A", "-c", "user.email=a@example.com"]
        subprocess.run(["git", *who, *words], cwd=root, check=True, capture_output=True)
    return root
