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

from aimass_compiler.cli.views.plan import LONGEST, as_markdown, as_text
from aimass_compiler.cli.views.plan_document import as_json
from aimass_compiler.impact.edits import Act, Edit, edits, leaves
from aimass_compiler.impact.effects import effects
from aimass_compiler.plan import compare, snapshot_of
from impact.specs import BEFORE, SPEC, SPEC_FILE, edited, meaning
from tests.examples import at_most

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
    assert "\x1b" not in as_text(found)
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


@pytest.mark.parametrize(
    "record", [None, b"", b"[]", b"{", b"{}", b'{"format": "aimass.resolved/v9"}', b"[" * 9999]
)
def test_a_revision_without_a_record_is_compared_by_its_values(
    record: bytes | None, generated: dict[str, bytes], tmp_path: Path
) -> None:
    before = {path: content for path, content in generated.items() if path != "churn/resolved.json"}
    before |= {} if record is None else {"churn/resolved.json": record}
    after = {**BEFORE, SPEC_FILE: edited(SPEC, ("{min: 3, max: 20}", "{min: 4, max: 20}"))}
    found = meaning(tmp_path, before, after)
    (effect,) = found.models
    assert [change.path for change in effect.values] == ["environments.prod.serving.replicas.min"]
    assert (effect.deliveries, effect.breaches) == ((), ())
    assert "there is no resolved.json of this format before" in as_text(found)


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


@pytest.mark.parametrize("file", ["churn/pipeline.json", "churn/resolved.json"])
@settings(at_most(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_another_compiler_wrote_is_compared(
    file: str, data: st.DataObject, generated: dict[str, bytes], tmp_path: Path
) -> None:
    document = json.loads(generated[file])
    for _ in range(data.draw(st.integers(1, 3))):
        places = [path[:length] for path, _ in leaves(document) for length in range(1, len(path) + 1)]
        path = data.draw(st.sampled_from(sorted(set(places), key=str)))
        if path == ("format",):
            continue
        document = replaced(document, path, data.draw(JSON))
    before = {**generated, file: json.dumps(document).encode()}
    plan = compare(generated, snapshot_of(before, generated), force=True)
    found = effects(plan, root=tmp_path, documents={})
    json.loads(as_json(found))
    assert as_text(found)
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
    texts = [change.text for change in effect.values]
    assert texts == ['`data.columns.customer_id.description` is added: `""`, and in 6 more columns']
