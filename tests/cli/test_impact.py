"""`aimass impact`: what a change would reach, over all models, before anything is changed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.releases import release_file
from aimass_compiler.releases.release_file import Release
from aimass_compiler.releases.version_record import ImageDigest

if TYPE_CHECKING:
    from cli.projects import Project

DIGEST = "sha256:" + "1" * 64
#: Of the table that both read.
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: customers
version: 1.0.0
schema:
  - name: customers
    properties:
      - {name: age, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
"""
#: Another team's model, which reads the same file under another name, beside rows of its own.
BILLS = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: bills, owner: billing@example.com}
data:
  sources:
    clients: data/customers.csv
    payments: data/payments.csv
  join:
    - {left: clients, right: payments, on: client, aggregate: {paid: {function: sum, column: amount}}}
  columns:
    client: id
    age: {type: number, missing: 0.1}
    paid: number
    late: {type: category, values: ["no", "yes"]}
  split: {by: hash, key: client}
target: late
features:
  - impute: {columns: age, with: median, indicator: true}
  - standardize: [age, paid]
  - drop: age_missing
model: logistic_regression
evaluation:
  gates: [{metric: roc_auc, min: 0.7}]
"""


@pytest.fixture
def two(project: Project) -> Project:
    project.write("specs/bills.yaml", BILLS)
    return project


def reached(project: Project, what: str) -> dict[str, dict[str, object]]:
    answer = project.aimass("impact", what, "--format", "json")
    assert answer.code == 0, answer.err
    return {each["model"]: each for each in json.loads(answer.out)["models"]}


def test_the_same_data_is_found_under_another_name(two: Project) -> None:
    found = reached(two, "data.customers.age")
    assert [*found] == ["bills", "churn"]
    assert found["bills"]["sources"] == ["clients"]
    assert found["churn"]["features"] == [
        {"path": "features[0].clip", "makes": ["age"]},
        {"path": "features[1].log", "makes": ["age"]},
        {"path": "features[2].standardize", "makes": ["age"]},
    ]
    assert found["churn"] == reached(two, "data/customers.csv.age")["churn"]


def test_a_model_may_be_named_whose_source_is_meant(two: Project) -> None:
    assert [*reached(two, "data.customers")] == ["bills", "churn"]
    two.write(
        "specs/bills.yaml", BILLS.replace("clients", "customers").replace("data/customers", "data/other")
    )
    assert [*reached(two, "data.customers")] == ["bills", "churn"]
    assert [*reached(two, "bills:data.customers")] == ["bills"]


def test_a_column_of_a_child_table_reaches_what_is_aggregated_of_it(two: Project) -> None:
    (bills,) = reached(two, "data.payments.amount").values()
    assert bills["columns"] == ["paid"]
    assert bills["parts"] == ["data.join[0] joins payments by it"]
    assert bills["gates"] == ["roc_auc min 0.7 on test"]


def test_a_column_that_only_callers_send_trains_nothing(two: Project) -> None:
    two.edit("    charges: number\n", "    charges: number\n    shoe: {type: number, missing: 0.5}\n")
    two.edit("  - one_hot: plan\n", "  - one_hot: plan\n  - drop: shoe\n")
    (churn,) = reached(two, "data.customers.shoe").values()
    assert (churn["is_trained_on"], churn["gates"], churn["requests"]) == (False, [], ["shoe"])


def test_releases_and_the_environments_of_a_model_are_told(two: Project) -> None:
    two.edit("environments:\n  dev:", "environments:\n  prod: {}\n  dev:")
    path = release_file.file_of(two.root, "dev", "churn")
    path.parent.mkdir(parents=True)
    images = {"churn": ImageDigest("registry.example/churn", DIGEST)}
    release = Release(environment="dev", model="churn", images=images, version="v3-0a1b2c3d4e5f")
    path.write_bytes(release_file.edited(None, release))
    shown = two.aimass("impact", "environments.dev").out
    assert "reaches 2 of 2 models, released in dev" in shown
    assert "dev: namespace ml-dev, released: v3-0a1b2c3d4e5f" in shown
    assert "ml-prod" not in shown
    assert "prod: namespace ml-prod, not released" in two.aimass("impact", "data.customers").out


def test_an_image_reaches_every_model_that_is_built_on_it(two: Project) -> None:
    assert [*reached(two, "python:3.11-slim")] == ["bills", "churn"]


def test_what_no_spec_knows_is_said_with_what_is_near(two: Project) -> None:
    answer = two.aimass("impact", "data.customers.agee")
    assert answer.code == ExitCode.USAGE
    assert "nothing that the specs know is called `data.customers.agee`" in answer.err
    assert "did you mean `data.customers.age`?" in answer.err
    assert two.aimass("impact").code == ExitCode.USAGE


def test_lineage_names_the_columns_that_each_column_is_made_of(two: Project) -> None:
    lines = two.aimass("impact", "data.payments", "--format", "openlineage").out.splitlines()
    events = {event["job"]["name"]: event for event in map(json.loads, lines)}
    assert [*events][:2] == ["bills.prepare", "bills.features"]
    assert [data["name"] for data in events["bills.prepare"]["inputs"]] == [
        "data/customers.csv",
        "data/payments.csv",
    ]
    made = events["bills.prepare"]["outputs"][0]["facets"]["columnLineage"]["fields"]
    assert made["paid"]["inputFields"][0] | {"transformations": []} == {
        "namespace": "file",
        "name": "data/payments.csv",
        "field": "amount",
        "transformations": [],
    }
    answered = events["bills.package"]["outputs"][0]["facets"]["columnLineage"]["fields"]["late"]
    assert {each["field"] for each in answered["inputFields"]} == {"age", "paid"}


def test_a_policy_reaches_the_models_that_it_holds_for_where_it_holds(two: Project) -> None:
    folder = two.root / "policies"
    folder.mkdir()
    rule = "rule: {servers: {min: 1}}"
    (folder / "one-server.yaml").write_text(
        f"why: someone must answer\nwhere: {{environments: [prod]}}\n{rule}\n"
    )
    answer = two.aimass("impact", "policies.one-server", "--format", "json")
    reached = json.loads(answer.out)["models"]
    assert [each["model"] for each in reached] == ["bills", "churn"]
    assert {place["name"] for each in reached for place in each["environments"]} == {"prod"}


def test_a_column_of_a_contract_reaches_whoever_asks_for_it(project: Project) -> None:
    folder = project.root / "contracts"
    folder.mkdir()
    (folder / "customers.yaml").write_text(CONTRACT)
    project.edit("    age: {type: number, min: 0}\n", "")
    project.edit("  columns:\n", "  contracts: {customers: [age]}\n  columns:\n")
    shown = project.aimass("impact", "contracts.customers.age").out
    assert shown.startswith("contracts.customers.age reaches 1 of 1 models")
    assert "callers send age" in shown
    assert "`contracts.customers`" in project.aimass("impact", "contracts.customer").err
