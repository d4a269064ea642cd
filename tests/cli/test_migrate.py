"""`aimass migrate` brings an older spec to this version, comments kept, and says what it cannot do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.conventions import API_VERSION
from aimass_compiler.spec.layout import comments
from aimass_compiler.spec.migrations import CHAIN, migrate
from aimass_compiler.spec.versions import OLDER
from cli.projects import Project

OLD = """\
# yaml-language-server: $schema=../schemas/model.json
apiVersion: aimass/v1alpha1 # old
kind: Model
metadata: {name: churn}

# all of it
spec: # what it is
  # the data
  data:
    sources: {customers: data/customers.csv}
    columns:
      age: number
      churned: {type: category, values: ["no", "yes"]}
  target: churned

  features:
  - standardize: age
  model: {logistic_regression: {l2: {loguniform: [0.01, 100]}}}
  search: {samples: 3} # few
  serving:
    scale: {min: 2}
  environments:
    dev: {serving: {scale: {min: 1}}}
  # the end of it
# the end
"""
NEW = """\
# yaml-language-server: $schema=../schemas/model.json
apiVersion: aimass/v1 # old
kind: Model
metadata: {name: churn}

# all of it
# what it is
# the data
data:
  sources: {customers: data/customers.csv}
  columns:
    age: number
    churned: {type: category, values: ["no", "yes"]}
target: churned

features:
  - standardize: age
model: {logistic_regression: {l2: {loguniform: [0.01, 100]}}}
search: {trials: 3} # few
serving:
  replicas: {min: 2}
environments:
  dev: {serving: {replicas: {min: 1}}}
# the end of it
# the end
"""


def test_an_old_spec_is_refused_with_the_way_out(project: Project) -> None:
    project.write("specs/churn.yaml", OLD)
    done = project.aimass("check")
    assert done.code == 1
    assert "error[AM019]: this is `aimass/v1alpha1`, and this compiler reads `aimass/v1`" in done.err
    assert done.err.count("error[") == 1
    assert "help: run `aimass migrate`" in done.err


def test_it_becomes_the_same_spec_of_this_version(project: Project) -> None:
    project.write("specs/churn.yaml", OLD)
    done = project.aimass("migrate")
    assert (done.code, done.out) == (0, "specs/churn.yaml: aimass/v1alpha1 → aimass/v1\n")
    assert (project.root / "specs/churn.yaml").read_text() == NEW
    assert project.aimass("check").code == 0
    assert project.aimass("migrate", "--check").code == 0


def test_settings_have_no_version(project: Project) -> None:
    project.write("aimass.yaml", "labels: {team: growth}\n")
    done = project.aimass("migrate", "aimass.yaml")
    assert (done.code, done.out) == (0, "aimass.yaml: settings have no versions, and stay as they are\n")
    assert project.aimass("migrate").out == ""


def test_it_can_only_look(project: Project) -> None:
    project.write("specs/churn.yaml", OLD)
    done = project.aimass("migrate", "--check", "--diff")
    assert done.code == 3
    assert "-  search: {samples: 3} # few\n" in done.out
    assert (project.root / "specs/churn.yaml").read_text() == OLD


def test_a_newer_version_needs_a_newer_compiler(project: Project) -> None:
    project.write("specs/churn.yaml", NEW.replace("aimass/v1 #", "aimass/v9 #"))
    assert "does not know `aimass/v9`, it reads `aimass/v1`" in project.aimass("check").err
    done = project.aimass("migrate")
    assert done.code == 1
    assert "error[AM019]: no step is known from `aimass/v9` to `aimass/v1`" in done.err


@pytest.mark.parametrize("spec", ["{target: churned}", "*all", "churned", "[a]", "&all\n  target: churned"])
def test_what_is_no_block_is_left_to_people(project: Project, spec: str) -> None:
    text = f"apiVersion: aimass/v1alpha1\nkind: &all Model\nspec: {spec}\n"
    project.write("specs/churn.yaml", text.replace("&all Model", "Model") if "&all\n" in spec else text)
    before = (project.root / "specs/churn.yaml").read_text()
    done = project.aimass("migrate")
    assert done.code == 1
    assert "error[AM019]" in done.err
    assert (project.root / "specs/churn.yaml").read_text() == before


def test_the_chain_leads_from_every_older_version_to_this_one() -> None:
    assert [step.before for step in CHAIN] == list(OLDER)
    assert [step.after for step in CHAIN] == [*OLDER[1:], API_VERSION]


@given(st.text("abc:#-{}[]&*!|> \n'\"", max_size=80))
def test_no_text_breaks_it(text: str) -> None:
    content = f"apiVersion: aimass/v1alpha1\nspec:\n  {text}\n"
    after, _, findings = migrate(content.encode(), "spec")
    if not findings:
        assert sorted(comments(after)) == sorted(comments(content))
