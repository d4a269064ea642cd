"""Edits of a spec, and the words in which a plan tells them.

`REWRITE=1 pytest tests/impact` writes the texts anew; read their diff before you commit it.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import jsonschema
import pytest
from msgspec.structs import replace

from aimass_compiler.cli.views.changes import lines
from aimass_compiler.cli.views.plan import tree
from aimass_compiler.cli.views.plan_document import as_json
from aimass_compiler.impact.effects import Effects
from impact.specs import BEFORE, SETTINGS, SETTINGS_FILE, SPEC, SPEC_FILE, edited, meaning

TAG = re.compile(r"\bspec-[0-9a-f]{12}\b")
WANT = Path(__file__).parent / "want"
SCHEMA = json.loads((Path(__file__).parents[2] / "schemas/plan.json").read_text(encoding="utf-8"))
FEATURES = SPEC[SPEC.index("features:\n") + len("features:\n") : SPEC.index("model:")].splitlines(
    keepends=True
)
DEV, PROD = "dev: {serving: {replicas: {min: 1, max: 1}}}", "prod: {serving: {replicas: {min: 3, max: 20}}}"

Edit = tuple[str, str]
#: What is done to a spec → the edits, each a part that is there once and what it becomes.
EDITS: dict[str, list[Edit]] = {
    # features, as a sequence
    "a value of a feature": [("count: 8", "count: 12")],
    "a feature in the middle": [(FEATURES[2], FEATURES[2] + "  - log: [charges, age]\n")],
    "a feature at the start": [("features:\n", "features:\n  - clip: {columns: age, min: 20}\n")],
    "a feature less": [(FEATURES[4], "")],
    "features in another order": [("".join(FEATURES[3:5]), "".join(FEATURES[4:2:-1]))],
    "another feature in its place": [(FEATURES[4], "  - ordinal: plan\n")],
    "one feature more, one less and one changed": [
        (FEATURES[4], ""),
        ("size: 64", "size: 32"),
        (FEATURES[0], FEATURES[0] + "  - log: charges\n"),
    ],
    "other columns of a feature": [("standardize: [charges, age]", "standardize: [charges]")],
    # data
    "a column more": [
        ("    region: category\n", "    region: category\n    tenure: {type: number, min: 0}\n")
    ],
    "a column less": [("    note: text\n", ""), (FEATURES[5], "")],
    "a column of another type": [
        ("region: category", "region: text"),
        ("[plan, region]", "[plan]"),
        ("ordinal: region", "hash_text: region"),
    ],
    "a source elsewhere": [("data/customers.csv", "data/clients.parquet")],
    "another split": [("{by: hash, key: customer_id}", "{by: random, seed: 3}")],
    "cleaning in another order": [
        (
            '    - drop_duplicates: {by: customer_id}\n    - keep: {where: "charges >= 0"}\n',
            '    - keep: {where: "charges >= 0"}\n    - drop_duplicates: {by: customer_id}\n',
        )
    ],
    # training
    "another model": [("logistic_regression:\n    l2: {loguniform: [0.01, 100]}", "naive_bayes: {}")],
    "a range": [("[0.01, 100]", "[0.001, 100]")],
    "more trials": [("trials: 8, concurrency: 2", "trials: 40, concurrency: 4")],
    "no time budget": [(", time: 10m", "")],
    "GPUs for training": [("objective:", "training: {resources: {cpu: 4, memory: 16Gi}}\nobjective:")],
    "gates": [
        ("{metric: roc_auc, min: 0.8}", "{metric: f1, min: 0.6}"),
        ("{metric: roc_auc, overfit: 0.08}", "{metric: roc_auc, overfit: 0.1}"),
    ],
    "a gate at nothing": [
        ("  slices:", "    - {metric: matthews_corrcoef, min: 0}\n  slices:"),
    ],
    "gates in another order": [
        (
            "    - {metric: roc_auc, min: 0.8}\n    - {metric: roc_auc, overfit: 0.08}\n",
            "    - {metric: roc_auc, overfit: 0.08}\n    - {metric: roc_auc, min: 0.8}\n",
        )
    ],
    "a gate that trains again": [
        ("  slices:", "  on_failure: {retrain: 2}\n  slices:"),
        ("min: 0.8}", "min: 0.85}"),
    ],
    "slices": [("slices: [plan, region]", "slices: [region, plan]")],
    # serving
    "replicas of one environment": [(PROD, "prod: {serving: {replicas: {min: 5, max: 20}}}")],
    "replicas of all that do not say otherwise": [("{min: 2, max: 10}", "{min: 2, max: 12}")],
    "replicas that every environment overrides": [
        ("{min: 2, max: 10}", "{min: 2, max: 12}"),
        (DEV, f"{DEV}\n  staging: {{serving: {{replicas: {{min: 2, max: 10}}}}}}"),
    ],
    "limits and resources": [
        ("timeout: 2s, body: 1Mi", "timeout: 3s, body: 512Ki"),
        ("cpu: 500m, memory: 512Mi", "cpu: 1, memory: 1Gi"),
    ],
    "a canary": [
        (PROD, "prod: {serving: {replicas: {min: 3, max: 20}, rollout: {canary: [5, 25, 100]}}}"),
    ],
    "an objective less in dev": [
        (DEV, "dev: {serving: {replicas: {min: 1, max: 1}, objectives: {latency: {p99: null}}}}")
    ],
    "an objective more": [("latency: {p99: 100ms}", "latency: {p99: 100ms, p50: 20ms}")],
    "a route": [("  limits:", "  gateway: {host: churn.example.com}\n  limits:")],
    "a route in some environments": [
        (DEV, "dev: {serving: {replicas: {min: 1, max: 1}, gateway: {host: dev.example.com}}}"),
    ],
    "what rows are checked by": [("min: 16, max: 120", "min: 16, max: 130"), ("unit: years", "unit: months")],
    "drift": [("environments:", "monitoring: {drift: {page: 0.3, window: 2h}}\nenvironments:")],
    "who owns it": [("growth@example.com", "'@everyone `<b>`'")],
    # the contract
    "an input is required": [("{type: number, min: 0, missing: 0.1}", "{type: number, min: 0}")],
    "bounds": [("min: 16, max: 120, unit: years", "min: 18, max: 130, unit: months")],
    "categories": [("[basic, plus, pro]", "[plus, pro, gold]")],
    "long names of categories": [("basic, plus, pro", f"plus, {'x' * 50}, {'y' * 50}")],
    "categories that were open": [("region: category", "region: {type: category, values: [north, south]}")],
    "the positive class": [("target: churned", 'target: churned\npositive: "no"')],
    "classes": [('["no", "yes"]', '["yes", "no"]')],
    "a class more": [('["no", "yes"]', '["no", "maybe", "yes"]'), ("roc_auc}", "log_loss}")],
    "another task": [
        ("target: churned", "target: charges"),
        ("metric: roc_auc}\n", "metric: root_mean_squared_error}\n"),
        (FEATURES[0], ""),
        ("standardize: [charges, age]", "standardize: [age]"),
        ("logistic_regression:\n    l2: {loguniform: [0.01, 100]}", "linear_regression: {}"),
        ("{metric: roc_auc, min: 0.8}", "{metric: r2, min: 0.8}"),
        ("{metric: roc_auc, overfit: 0.08}", "{metric: r2, overfit: 0.08}"),
        ("missing: 0.1}\n    plan", "missing: 0}\n    plan"),
    ],
    "a feature that is no longer read": [(FEATURES[5], "")],
}
#: The same for the settings.
SETTINGS_EDITS: dict[str, list[Edit]] = {
    "a namespace": [("prod: {}", "prod: {namespace: production}")],
    "an environment less": [("  staging: {}\n", "")],
    "an environment more": [("  staging: {}\n", "  staging: {}\n  canary: {}\n")],
    "a registry": [("environments:", "images: {registry: ghcr.io/acme}\nenvironments:")],
    "environments in another order": [("  dev: {}\n  staging: {}\n", "  staging: {}\n  dev: {}\n")],
    "where pods run": [
        (
            "dev: {}",
            "dev: {pods: {nodes: {pool: a}, storage_class: fast, serving: {priority_class: more}}}",
        )
    ],
    "labels and a queue": [("environments:", "labels: {team: growth}\nqueue: ml\nenvironments:")],
    "another Prometheus": [
        ("environments:", "prometheus: {namespace: obs, labels: {release: thanos}}\nenvironments:")
    ],
    "base images": [
        (
            "environments:",
            "images: {python: 'python:3.12-slim', ray: 'rayproject/ray:2.54.0-py311'}\nenvironments:",
        )
    ],
    "who may apply": [("prod: {}", "prod: {deployer: {user: 'github:acme'}}")],
    "whose training jobs": [("environments:", "training: {target: kubeflow}\nenvironments:")],
    "secrets of training": [("dev: {}", "dev: {secrets: [lake-reader, mart]}")],
}
#: The same where images have a registry: CI makes each one that is missing.
REGISTRY = ("environments:", "images: {registry: ghcr.io/acme}\nenvironments:")
PUSHED_EDITS: dict[str, tuple[list[Edit], list[Edit]]] = {
    "a base image": ([], [("images: {", "images: {python: 'python:3.12-slim', ")]),
    "gates": (EDITS["gates"], []),
    "what rows are checked by": (EDITS["what rows are checked by"], []),
    "replicas of one environment": (EDITS["replicas of one environment"], []),
    "who owns it": (EDITS["who owns it"], []),
}
PRICES = ("environments:", "prices: {cpu_hour: 0.04, gib_hour: 0.005, currency: EUR}\nenvironments:")
AFTERS = {
    **{name: {**BEFORE, SPEC_FILE: edited(SPEC, *edits)} for name, edits in EDITS.items()},
    **{name: {**BEFORE, SETTINGS_FILE: edited(SETTINGS, *edits)} for name, edits in SETTINGS_EDITS.items()},
    "money": {
        SETTINGS_FILE: edited(SETTINGS, PRICES),
        SPEC_FILE: edited(SPEC, *EDITS["replicas of one environment"], *EDITS["a range"]),
    },
    "nothing": BEFORE,
    "a model more": {**BEFORE, "specs/other.yaml": SPEC.replace("name: churn", "name: other")},
    "a model less": {SETTINGS_FILE: SETTINGS},
    "another name": {
        SETTINGS_FILE: SETTINGS,
        "specs/leavers.yaml": SPEC.replace("name: churn", "name: leavers"),
    },
    "another name and a change": {
        SETTINGS_FILE: SETTINGS,
        "specs/leavers.yaml": edited(SPEC, *EDITS["a value of a feature"]).replace(
            "name: churn", "name: leavers"
        ),
    },
}


@pytest.mark.parametrize("name", PUSHED_EDITS)
def test_an_edit_where_images_are_pushed_is_told(name: str, pushed: dict[str, bytes], tmp_path: Path) -> None:
    of_spec, of_settings = PUSHED_EDITS[name]
    settings = edited(edited(SETTINGS, REGISTRY), *of_settings)
    found = meaning(tmp_path, pushed, {SPEC_FILE: edited(SPEC, *of_spec), SETTINGS_FILE: settings})
    assert_wanted(drawn(found), f"pushed {name}")


def drawn(found: Effects) -> str:
    """The models without files and tags, which the tests of the renderers hold."""
    shown: list[str] = []
    for effect in found.models:
        whole = tree(effect)
        told = replace(whole, children=tuple(each for each in whole.children if each.text != "files"))
        shown += lines(told)
    return TAG.sub("spec-…", "".join(f"{line}\n" for line in shown))


@pytest.mark.parametrize("name", AFTERS)
def test_an_edit_is_told(name: str, generated: dict[str, bytes], tmp_path: Path) -> None:
    found = meaning(tmp_path, generated, AFTERS[name])
    jsonschema.validate(json.loads(as_json(found)), SCHEMA)
    assert_wanted(drawn(found), name)


def assert_wanted(text: str, name: str) -> None:
    want = WANT / f"{name.replace(' ', '-')}.txt"
    if "REWRITE" in os.environ:
        want.write_text(text, encoding="utf-8", newline="")
    assert text.encode() == want.read_bytes()


def test_every_text_belongs_to_an_edit() -> None:
    names = {*AFTERS, *(f"pushed {name}" for name in PUSHED_EDITS)}
    assert {path.stem for path in WANT.iterdir()} == {name.replace(" ", "-") for name in names}
