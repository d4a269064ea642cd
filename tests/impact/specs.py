"""A spec before and after an edit, and what a plan makes of it; nothing is written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from aimass_compiler.compile import compile_specs
from aimass_compiler.impact.contract import Breach
from aimass_compiler.impact.effects import Effects, effects
from aimass_compiler.impact.reach import Reach
from aimass_compiler.impact.release_changes import releases_in
from aimass_compiler.plan import compare, snapshot_of
from aimass_compiler.project import Project

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata:
  name: churn
  owner: growth@example.com
data:
  sources:
    customers: data/customers.csv
  columns:
    customer_id: id
    age: {type: number, min: 16, max: 120, unit: years}
    charges: {type: number, min: 0, missing: 0.1}
    plan: {type: category, values: [basic, plus, pro]}
    region: category
    note: text
    churned: {type: category, values: ["no", "yes"]}
  clean:
    - drop_duplicates: {by: customer_id}
    - keep: {where: "charges >= 0"}
  split: {by: hash, key: customer_id}
target: churned
features:
  - impute: {columns: [charges], with: median}
  - bucket: {column: age, count: 8, as: age_group}
  - one_hot: age_group
  - standardize: [charges, age]
  - one_hot: plan
  - hash_text: {column: note, size: 64}
  - ordinal: region
model:
  logistic_regression:
    l2: {loguniform: [0.01, 100]}
objective: {metric: roc_auc}
search: {trials: 8, concurrency: 2, time: 10m}
evaluation:
  gates:
    - {metric: roc_auc, min: 0.8}
    - {metric: roc_auc, overfit: 0.08}
  slices: [plan, region]
serving:
  replicas: {min: 2, max: 10}
  resources: {cpu: 500m, memory: 512Mi}
  objectives: {availability: 99.9%, latency: {p99: 100ms}}
  limits: {concurrency: 64, timeout: 2s, body: 1Mi}
environments:
  dev: {serving: {replicas: {min: 1, max: 1}}}
  prod: {serving: {replicas: {min: 3, max: 20}}}
"""
SETTINGS = "environments:\n  dev: {}\n  staging: {}\n  prod: {}\n"
SPEC_FILE, SETTINGS_FILE = "specs/churn.yaml", "aimass.yaml"

#: The model that is edited, released in each environment.
_RELEASED = f"""\
kind: Component
images: [{{name: churn, newName: ghcr.io/acme/churn, digest: "sha256:{"0" * 64}"}}]
"""
EVERYWHERE = releases_in(
    {
        f"releases/{environment}/churn/kustomization.yaml": _RELEASED.encode()
        for environment in ("dev", "staging", "prod")
    }
)

Texts = Mapping[str, str]
BEFORE: Texts = {SPEC_FILE: SPEC, SETTINGS_FILE: SETTINGS}


def edited(text: str, *edits: tuple[str, str]) -> str:
    """The text with each first part, which is there once, replaced by the second."""
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def compiled(root: Path, texts: Texts) -> tuple[Project, dict[str, bytes]]:
    """A project with these files, and all that a compile of it would leave in generated/."""
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    project = Project(root)
    found = compile_specs(project, project.specs())
    assert [finding.message for finding in found.findings if finding.is_error] == []
    return project, dict(compare(found.files, snapshot_of({}, found.files)).files)


def noticed(found: Effects) -> list[tuple[str, Breach]]:
    """All that callers of each model notice, be it only once it is released."""
    return [(effect.model, breach) for effect in found.models for breach in effect.breaches]


def meaning(root: Path, before: Mapping[str, bytes], after: Texts, *allowed: str) -> Effects:
    """What a plan from these generated files to the specs of a project means."""
    project = Project(root)
    for path, text in after.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    found = compile_specs(project, project.specs())
    assert [finding.message for finding in found.findings if finding.is_error] == []
    prices = next((pipeline.settings.prices for pipeline in found.pipelines.values()), None)
    plan = compare(found.files, snapshot_of(before, found.files), prune_models=True, force=True)
    reach = Reach(plan.files, EVERYWHERE, EVERYWHERE)
    return effects(
        plan, root=root, documents=found.documents, prices=prices, allowed=frozenset(allowed), reach=reach
    )
