"""What others wrote is shown as text, whatever it holds, and is compared without a traceback."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimass_compiler.cli.views.changes import explained
from aimass_compiler.cli.views.plan_json import as_json
from aimass_compiler.cli.views.plan_markdown import LONGEST, as_markdown
from aimass_compiler.effects.complete import effects
from aimass_compiler.effects.edits import Act, Edit, edits, leaves
from aimass_compiler.plan import compare, snapshot_of
from effects.specs import BEFORE, SPEC, SPEC_FILE, edited, meaning

HOSTILE = [
    "@everyone",
    "</summary></details><script>alert(1)</script>",
    "```\n# heading\n![x](https://example.com/x.png)",
    "````````",
    "#1 and https://example.com",
    "\x1b[31m\u202e",
    "--> <!-- aimass plan -->",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_of_a_spec_stays_inside_of_its_block(
    text: str, generated: dict[str, bytes], tmp_path: Path
) -> None:
    owner = json.dumps(text)
    after = {**BEFORE, SPEC_FILE: edited(SPEC, ("owner: growth@example.com", f"owner: {owner}"))}
    found = meaning(tmp_path, generated, after)
    drawn = as_markdown(found)
    outside = re.sub(r"^(`{3,})diff\n.*?^\1$", "", drawn, flags=re.MULTILINE | re.DOTALL)
    assert "metadata.owner" not in outside
    for part in ("@everyone", "<script>", "https://", "heading", "\x1b", "\u202e"):
        assert part not in outside
    assert "\x1b" not in explained(found)
    assert drawn.count("</details>") == 1 or "</details>" in text


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>", "@everyone", "a`b", "--"])
def test_a_folder_of_a_revision_is_escaped(name: str, generated: dict[str, bytes], tmp_path: Path) -> None:
    """Removed models are called by their folders, which no rule for names was asked about."""
    stranger = {path.replace("churn/", f"{name}/", 1): content for path, content in generated.items()}
    drawn = as_markdown(meaning(tmp_path, {**generated, **stranger}, BEFORE))
    assert "<img" not in re.sub(r"^(`{3,})diff\n.*?^\1$", "", drawn, flags=re.MULTILINE | re.DOTALL)
    assert f"<code>{name.replace('<', '&lt;').replace('>', '&gt;')}</code> is removed" in drawn


def test_names_of_any_length_fit(generated: dict[str, bytes], tmp_path: Path) -> None:
    columns = "".join(f"    {'x' * 800}{number}: {{type: number}}\n" for number in range(60))
    spec = edited(SPEC, ("    region: category\n", f"    region: category\n{columns}"))
    drawn = as_markdown(meaning(tmp_path, generated, {**BEFORE, SPEC_FILE: spec}))
    assert len(drawn.encode()) <= LONGEST
    assert "and 10 more\n" in drawn


BOMB = "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30))


@pytest.mark.parametrize(
    "stranger",
    [
        "kind: RayJob\nspec: &a [*a, {secretRef: [1]}]\nmetadata: {labels: [1]}\n",
        f"kind: RayJob\nspec:\n  {BOMB.replace(chr(10), chr(10) + '  ')}\n",
        BOMB + "kind: Kustomization\nimages: [{name: *a29, newTag: *a29, digest: *a29}]\n",
        BOMB + "kind: Kustomization\nlabels: [{pairs: {x: *a29}}]\n",
        BOMB + "kind: PrometheusRule\nspec: {groups: [{rules: [{alert: A, labels: {severity: *a29}}]}]}\n",
        BOMB + "kind: Service\nmetadata: {name: *a29}\nspec: {ports: [{port: *a29}]}\n",
        BOMB + "kind: RoleBinding\nsubjects: [{name: *a29}]\n"
        "metadata: {labels: {aimass.dev/environment: dev}}\n",
        "kind: Kustomization\nimages: 5\nlabels: {pairs: 3}\n",
        "kind: Kustomization\nimages: [{digest: {}}]\nlabels: [{pairs: [x]}, 3]\n",
        "kind: RoleBinding\nsubjects: 3\nmetadata: {labels: {aimass.dev/environment: [1]}}\n",
        "kind: NetworkPolicy\nspec: {ingress: {kubernetes.io/metadata.name: {}}}\n",
        "kind: HTTPRoute\nspec: {parentRefs: [{namespace: []}, 3]}\n",
        "kind: ServiceMonitor\nmetadata: 3\n",
    ],
)
@pytest.mark.parametrize("path", ["base/server.yaml", "train/job.yaml", "access.yaml"])
def test_objects_that_nobody_s_compiler_wrote_are_compared(
    path: str, stranger: str, generated: dict[str, bytes], tmp_path: Path
) -> None:
    before = {**generated, f"churn/{path}": stranger.encode()}
    explained(meaning(tmp_path, before, BEFORE))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def replaced(document: Any, path: tuple[str | int, ...], value: Any) -> Any:
    """The document with another value at a path."""
    found = copy.deepcopy(document)
    node = found
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    return found


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_another_compiler_wrote_is_compared(
    data: st.DataObject, generated: dict[str, bytes], tmp_path: Path
) -> None:
    document = json.loads(generated["churn/pipeline.json"])
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path[:length] for path, _ in leaves(document) for length in range(1, len(path) + 1)]
        path = data.draw(st.sampled_from(sorted(set(places), key=str)))
        if path == ("format",):
            continue
        document = replaced(document, path, data.draw(JSON))
    before = {**generated, "churn/pipeline.json": json.dumps(document).encode()}
    plan = compare(generated, snapshot_of(before, generated), force=True)
    found = effects(plan, root=tmp_path, documents={})
    json.loads(as_json(found))
    assert explained(found)
    assert len(as_markdown(found).encode()) <= LONGEST


def applied(items: list[Any], found: list[Edit]) -> list[Any]:
    """The items after the edits of a list whose items are all of different kinds."""
    gone = {edit.path[0] for edit in found if edit.act is Act.REMOVED}
    gone |= {edit.was[0] for edit in found if edit.was}
    kept = [item for place, item in enumerate(items) if place not in gone]
    come = {edit.path[0]: edit.after for edit in found if edit.act in (Act.ADDED, Act.MOVED)}
    for place in sorted(come):  # type: ignore[type-var]  # places
        kept.insert(place, come[place])  # type: ignore[arg-type]  # a place
    return kept


@given(st.lists(st.integers(0, 9), unique=True), st.lists(st.integers(0, 9), unique=True))
def test_edits_of_a_list_lead_from_one_to_the_other(before: list[int], after: list[int]) -> None:
    old, new = ([{f"kind{number}": {"value": number}} for number in numbers] for numbers in (before, after))
    found = list(edits(old, new))
    assert applied(old, found) == new
    assert bool(found) == (old != new)


def test_one_item_more_is_one_edit() -> None:
    items = [{f"kind{number}": {}} for number in range(50)]
    (edit,) = edits(items, [*items[:20], {"new": {}}, *items[20:]], ("features",))
    assert (edit.act, edit.key) == (Act.ADDED, "features[20]")


def test_what_a_new_compiler_says_of_every_column_is_told_once(
    generated: dict[str, bytes], tmp_path: Path
) -> None:
    document = json.loads(generated["churn/pipeline.json"])
    for column in document["data"]["columns"].values():
        del column["description"]
    before = {**generated, "churn/pipeline.json": json.dumps(document).encode()}
    ((effect,),) = (meaning(tmp_path, before, BEFORE).models,)
    texts = [told.text for told in effect.told]
    assert texts == ['`data.columns.customer_id.description` is added: `""`, and in 6 more columns']
