"""A cached template gives what its builder gives, whatever the words are."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.render import render
from aimass_compiler.render.cached_template import CachedTemplate
from aimass_compiler.render.emit import FLAGS, block, json_text
from render.files import one
from render.models import HOSTILE, pipeline


def built(first: str, second: str, title: str) -> str:
    """Words in every place that a string can have in YAML, and in JSON inside of it."""
    parts = {
        first: second,
        f"{first}-x": [f"{second}: y", f"o{first}", f"{first}n", {f"{second} {first}": title}],
        "lines": f'{first} > 1\n  and {{{second}="{first}"}}\n',
        "100 %": f"%s {first} % {second}",
    }
    return block(parts) + json_text(parts)


TEMPLATE = CachedTemplate(built)
WORD = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
TITLE = st.text(st.characters(exclude_categories=["Cs"]))


@given(WORD, WORD, TITLE | st.just("xstand-in-0-"))
def test_names_are_filled_in_as_they_would_have_been_built(first: str, second: str, title: str) -> None:
    assert TEMPLATE((first, second), title) == built(first, second, title)


@given(
    TITLE | st.sampled_from([*HOSTILE, *FLAGS, "n", "ff", "a" * 200]), TITLE | st.sampled_from(sorted(FLAGS))
)
def test_text_that_is_no_name_is_filled_in_as_it_would_have_been_built(first: str, second: str) -> None:
    assert TEMPLATE((first, second), "title") == built(first, second, "title")


def test_it_is_cut_once_for_all_names() -> None:
    calls = []

    def counted(name: str, number: int) -> str:
        calls.append(name)
        return f"{name} {number}"

    template = CachedTemplate(counted)
    assert [template((name,), 1) for name in ("churn", "fraud", "7")] == ["churn 1", "fraud 1", "7 1"]
    assert len(calls) == 2  # a word that begins with a digit is quoted, so it is another text
    assert template(("churn",), 2) == "churn 2"
    assert len(calls) == 3


@pytest.mark.parametrize("name", ["n", "on", "true", "e1", "o", "a" * 40, "x" + "0" * 30])
def test_a_model_may_have_a_name_that_yaml_reads_as_something_else(name: str) -> None:
    files = render(pipeline({"metadata": {"name": name}}))
    assert one(files, "overlays/prod", "PrometheusRule")["metadata"]["name"] == name
    assert json.loads(files["base/dashboard.json"])["tags"] == ["aimass", name]
    overlay = yaml.safe_load(files["overlays/prod/kustomization.yaml"])
    assert overlay["components"] == [f"../../../../releases/prod/{name}"]
