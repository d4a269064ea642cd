"""What pages begin with: a folder with data, and a project whose model was trained and released."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.documentation.blocks import Block
from tests.documentation.sessions import run

if TYPE_CHECKING:
    from pathlib import Path

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data:
  sources: {customers: data/customers.csv}
  columns:
    customer_id: id
    tenure: {type: number, min: 0}
    plan: {type: category, values: [basic, pro]}
    note: text
    churned: {type: category, values: ["no", "yes"]}
target: churned
positive: "yes"
features:
  - standardize: {type: number}
  - one_hot: plan
  - drop: note
model: {xgboost: {learning_rate: {choice: [0.2, 0.3]}, n_estimators: 20, subsample: 0.8}}
search: {trials: 2}
serving:
  objectives: {latency: {p99: 5s}}
  limits: {timeout: 6s}
  tests: {load: {rps: 60, for: 2s}}
"""
SETTINGS = "logs: {store: 'file:///tmp'}\nenvironments: {dev: {}, prod: {}}\n"
RELEASED = """\
printf '%s\\n' /artifacts/ /data/ /scores/ /build/ /records/ /unsaved.yaml /.cache/ '*.html' > .gitignore
aimass run churn
git add --all && git commit --quiet --message "Declare churn"
aimass publish churn
git add --all && git commit --quiet --message "churn: v1"
aimass promote churn --to dev
git add --all && git commit --quiet --message "dev: release churn v1"
"""


def customers(rows: int) -> str:
    """Customers who mostly leave early, as CSV."""
    chance = random.Random(7)  # noqa: S311  # rows, no secrets
    lines = ["customer_id,tenure,plan,note,churned"]
    for number in range(rows):
        tenure = chance.randint(0, 40)
        leaves = (tenure < 15) != (chance.random() < 0.1)
        plan, note = chance.choice(["basic", "pro"]), chance.choice(["slow", "fine", "dear"])
        lines.append(f"c{number},{tenure},{plan},{note},{'yes' if leaves else 'no'}")
    return "\n".join(lines) + "\n"


def begun(root: Path) -> None:
    """A git repository with data and nothing else."""
    (root / "data").mkdir(parents=True, exist_ok=True)
    (root / "data/customers.csv").write_text(customers(300), encoding="utf-8")
    run([Block(root, 0, "sh", "git init --quiet --initial-branch main", {})], root, variables(root))


def released(root: Path) -> None:
    """A project whose model was trained, packaged, published and released."""
    import polars

    begun(root)
    polars.read_csv(root / "data/customers.csv").write_parquet(root / "data/customers.parquet")
    (root / "new.csv").write_text(customers(40), encoding="utf-8")
    (root / "specs").mkdir()
    for name in ("specs/churn.yaml", "unsaved.yaml"):
        (root / name).write_text(SPEC, encoding="utf-8")
    (root / "aimass.yaml").write_text(SETTINGS, encoding="utf-8")
    run([Block(root, 0, "sh", RELEASED, {})], root, variables(root))


def variables(root: Path) -> dict[str, str]:
    """Quiet, and apart from the settings of the one who runs the tests."""
    people = {f"GIT_{role}_{part}": "Olga" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
    return people | {
        "HOME": str(root),
        "GIT_EDITOR": "true",
        "DVC_NO_ANALYTICS": "1",
        "DVC_SITE_CACHE_DIR": str(root / ".site"),
    }
