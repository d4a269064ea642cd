"""Results of stages, written by hand: few, and as hostile as data can be."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from aimass_compiler.cli.pages.report.run_results import RunResults
from aimass_compiler.compile import compile_specs
from aimass_compiler.project import Project
from aimass_compiler.stages import artifacts

ROOT = Path(__file__).parents[2]
#: What would run, break out of its place or change the page, if it were not taken as text.
EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'{{7*7}}\u2028"


def results(root: Path, model: str, **written: Any) -> RunResults:
    """What is there of a shipped model whose stages left these documents, by the names of their paths."""
    compiled = compile_specs(Project(ROOT), [ROOT / "specs" / f"{model}.yaml"])
    found = RunResults(root, compiled.pipelines[model])
    for name, content in written.items():
        path = found.folder / getattr(artifacts, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return found


def churn(root: Path, name: str = "ordinary") -> RunResults:
    """Everything that a classification leaves, in which whatever has a name has this one."""
    measured = {"roc_auc": 0.9, "accuracy": 0.8}
    gate = {"metric": "roc_auc", "name": "roc_auc", "condition": "min 0.8", "value": 0.9, "slice": None}
    gates = [gate | {"passed": True, "reason": "held"}, gate | {"passed": False, "reason": name}]
    column = {"name": name, "type": "text", "missing": 1, "distinct": 2, "is_estimated": False, "summary": {}}
    trials = [
        {"id": number, "value": 0.8 + number / 100, "status": "done", "seconds": 1.0}
        | {"parameters": {"kernel": f"{name}{number}", "l2": 10.0**number}}
        for number in (1, 2, 3)
    ]
    best = {"trial": 3, "metric": "roc_auc", "value": 0.83, "model": name, "parameters": {"kernel": name}}
    return results(
        root,
        "churn",
        METRICS=dict.fromkeys(("train", "validation", "test"), measured)
        | {
            "slices": {"plan": {name: {"rows": 9, **measured}, "few": {"rows": 1, "note": name}}},
            "intervals": {"test": {"roc_auc": {"low": 0.8, "high": 0.95}}},
            "importance": {"metric": "roc_auc", "split": "validation", "rows": 9, "repeats": 5}
            | {"columns": {name: {"mean": 0.1, "deviation": 0.01}}},
            "released": {"prod": {"version": name, "test": {"roc_auc": {"value": 0.8, "difference": 0.1}}}},
        },
        REACHED={"version": "abc", "gates": gates},
        VERDICT={
            "fit": {"verdict": "fits", "reason": name},
            "gates": gates,
            "confusion": [[5, 1], [2, 3]],
        },
        BEST=best | {"greater_is_better": True, "classes": ["no", name], "libraries": {name: "1.0"}},
        TRIALS={
            "trials": trials,
            "totals": {"trials": 3, "done": 3, "stopped": 0, "failed": 0, "search_seconds": 3.0},
        },
        HISTORY="step,train_loss,validation_loss\n1,0.5,0.6\n2,0.4,0.5\n",
        CALIBRATION=f'probability,share,class\n0.1,0.2,"{name.replace(chr(34), "")}"\n0.9,0.8,no\n',
        ROWS_REPORT={"rows": {"collected": 10, "kept": 9, "train": 5, "validation": 2, "test": 2}},
        PROFILE={"rows": 10, "duplicates": 1, "target": "churned"}
        | {"columns": [column | {"frequent": [[name, 0.5]], "association": None}]}
        | {"suspects": [{"column": name, "kind": "leak", "reason": name}]},
        ROW_CHANGES={
            "rows": {"before": 8, "now": 9},
            "columns": {
                name: {"psi": 0.3, "ks": None, "missing": {"before": 0, "now": 0.5}, "new_values": [name]}
            },
        },
        SERVICE_REPORT={"version": "abc", "passed": False, "faults": [name], "correctness": {"rows": 9}}
        | {"efficiency": {"latency_milliseconds": {"p99": 200.0}, "objective_milliseconds": {"p99": 100.0}}},
    )
