"""Values set by dotted keys: what each does to a text, and what has no place in it."""

from __future__ import annotations

import re

import pytest

from aimass_compiler.spec.edits.set_values import NotSettable, assignment, with_values
from aimass_compiler.spec.yaml.reader import parse

SPEC = """\
target: churned    # who left
features:
  - bucket: {column: age, count: 10}   # decades
model:
  # trees
  xgboost:
    max_depth: {choice: [4, 6]}   # searched
    subsample: 0.8
search:
training: {seed: 7}
"""


def after(*written: str, text: str = SPEC) -> str:
    return with_values(parse(text, "specs/churn.yaml")[0], [assignment(each) for each in written])


@pytest.mark.parametrize(
    ("written", "before", "then"),
    [
        ("model.xgboost.subsample=0.6", "subsample: 0.8", "subsample: 0.6"),
        ("model.xgboost.max_depth=3", "{choice: [4, 6]}   # searched", "3   # searched"),
        ("model.xgboost.subsample={uniform: [0.5, 1]}", "0.8", "{uniform: [0.5, 1]}"),
        ("model.xgboost.gamma = 2", "subsample: 0.8\n", "subsample: 0.8\n    gamma: 2\n"),
        ("features.0.bucket.count=5", "count: 10", "count: 5"),
        ("training.epochs=3", "{seed: 7}", "{seed: 7, epochs: 3}"),
        ("search.trials=4", "search:", "search: {trials: 4}"),
        ("target=left", "churned ", "left "),
        ("metadata.name=a=b", "training: {seed: 7}\n", "training: {seed: 7}\n"),
    ],
)
def test_a_value_takes_its_place_and_nothing_else_changes(written: str, before: str, then: str) -> None:
    if written.startswith("metadata"):
        assert 'name: "a=b"' in after(written)
        return
    assert after(written) == SPEC.replace(before, then)


BLOCKS = """\
model:
  one_of: # which is better
  - xgboost: {subsample: 0.8}
  - lightgbm
data:
  split:
    by: random
    seed: 3
target: churned
"""


@pytest.mark.parametrize(
    ("written", "before", "then"),
    [
        (
            "model.one_of=[mlp, xgboost]",
            "one_of: # which is better\n  - xgboost: {subsample: 0.8}\n  - lightgbm\n",
            "one_of: [mlp, xgboost] # which is better\n",
        ),
        (
            "model.one_of=mlp",
            BLOCKS[len("model:\n  ") : BLOCKS.index("data:")],
            "one_of: mlp # which is better\n",
        ),
        ("data.split={by: hash}", "split:\n    by: random\n    seed: 3\n", "split: {by: hash}\n"),
    ],
)
def test_a_value_stands_beside_its_key_where_a_block_stood_below(
    written: str, before: str, then: str
) -> None:
    assert after(written, text=BLOCKS) == BLOCKS.replace(before, then)


def test_several_values_are_set_one_after_the_other() -> None:
    text = after("training.epochs=3", "training.batch_size=8", "training.seed=1")
    assert "training: {seed: 1, epochs: 3, batch_size: 8}\n" in text


def test_a_kind_that_stood_alone_gets_parameters() -> None:
    assert (
        after("model.xgboost.subsample=0.6", text="model: xgboost\n")
        == "model: {xgboost: {subsample: 0.6}}\n"
    )


def test_a_key_with_dots_is_put_in_quotes() -> None:
    text = 'data:\n  columns:\n    "a.b": {type: number, min: 0}\n'
    assert after('data.columns."a.b".min=1', text=text) == text.replace("min: 0", "min: 1")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("subsample", "`subsample` sets no value"),
        ("model..subsample=1", "`model..subsample=1` sets no value"),
        ("features.1.bucket.count=5", "there is no `features.1`: the list has the items 0 to 0"),
        ("features.bucket.count=5", "there is no `features.bucket`: the list has the items 0 to 0"),
        ("target.x.y=1", "`target.x.y` cannot be set in specs/churn.yaml"),
        ("training.seed=[1", "the value of `training.seed=[1` cannot be read"),
        ("training.seed=1\nepochs: 3", "cannot be read: it is more than one"),
    ],
)
def test_what_has_no_place_is_refused(written: str, message: str) -> None:
    with pytest.raises(NotSettable, match=re.escape(message)) as refused:
        after(written)
    assert refused.value.help
