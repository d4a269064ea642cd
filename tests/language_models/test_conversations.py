"""Rows become conversations: what is asked, learned, cut off, packed, and what a base must not be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import polars
import pytest

from aimass_compiler.catalog.models.language_model import LanguageModel
from aimass_compiler.catalog.task import Task
from aimass_compiler.catalog.turns import Turns, prompt_of, turns_of
from aimass_compiler.pipeline.columns import ChatColumn, TextColumn
from aimass_compiler.pipeline.training import Training
from aimass_compiler.runtime import contract
from aimass_compiler.runtime.conversations import write_conversations
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.near_duplicates import leaked
from aimass_compiler.runtime.training.space import Space, filled
from aimass_compiler.runtime.workspace import Workspace
from tests.language_models.test_forms import tiny

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow
TEXT: Any = TextColumn(type="text")
CHAT: Any = ChatColumn(type="chat")
TURNS = [{"role": "user", "content": "is it late?"}, {"role": "assistant", "content": "it is late"}]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("base"))


@pytest.fixture
def root(base: Path, tmp_path: Path) -> Path:
    """A project whose base may be spoilt."""
    shutil.copytree(base, tmp_path / "base")
    return tmp_path


def written(root: Path, rows: Mapping[str, list[Any]], length: int = 32, **of: Any) -> dict[str, Any]:
    """What the features stage leaves of these rows, in all splits."""
    model = LanguageModel.model_validate({"base": {"path": "base"}, "sequence_length": length, **of})
    columns = {name: CHAT if isinstance(values[0], list) else TEXT for name, values in rows.items()}
    target = list(rows)[-1]
    conversation = model.conversation([name for name in rows if name != target])
    task = Task(kind="generation", target=target, conversation=conversation)
    workspace = Workspace(root, "desk")
    for split in ("train", "validation", "test"):
        polars.DataFrame(rows).write_parquet(workspace.folder("prepare") / f"{split}.parquet")
    write_conversations(columns, task, task.conversation, workspace, root)  # type: ignore[arg-type]  # it has one
    found: dict[str, Any] = json.loads((workspace.folder("features") / "features.json").read_text())
    return found | {"x": numpy.load(workspace.folder("features") / "train_x.npy")}


ROWS = {"prompt": ["is it late?", "late?"], "answer": ["it is late", "it is"]}


def test_only_answers_are_learned(root: Path) -> None:
    found = written(root, ROWS)
    numbers = found["x"][..., 1]
    assert found["counts"]["train"]["learned"] == (numbers > 0).sum()
    assert found["counts"]["train"]["masked"] == (numbers < 0).sum()
    assert found["inputs"] == [{"name": "prompt", "type": "text"}]
    for row in numbers:
        assert row[row != 0].tolist() == sorted(row[row != 0])  # the prompt, then the answer


def test_rows_longer_than_the_context_are_cut_and_told(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = written(root, {"prompt": ["late? " * 20, "late?"], "answer": ["it is late", "it"]}, length=16)
    counts = found["counts"]["train"]
    assert (counts["truncated"], counts["unanswered"], counts["packed"]) == (1, 1, 1)
    told = capsys.readouterr().out
    assert "warning: 3 rows are longer than the context of 16 tokens and were cut off, 3 of them" in told
    assert f"write `sequence_length: {counts['longest']}`" in told


def test_without_room_for_any_answer_nothing_is_learned(root: Path) -> None:
    with pytest.raises(StageFailure, match="no training row has room for its answer"):
        written(root, {"prompt": ["is it late? " * 9] * 2, "answer": ["it is late", "it"]}, length=8)


def test_packed_rows_hold_several_conversations(root: Path) -> None:
    found = written(root, ROWS, length=64, packing=True)
    assert found["counts"]["train"]["packed"] == 1
    assert set(found["x"][0, :, 1].tolist()) == {-2, -1, 1, 2}


def test_rows_that_are_in_two_splits_are_told(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert written(root, ROWS)["leaks"] == {"validation": 2, "test": 2}
    assert (
        "2 validation rows nearly repeat training rows, such as row 1 (100% like" in capsys.readouterr().out
    )


def test_slips_are_near_duplicates_and_other_texts_are_not() -> None:
    known = ["My router drops the connection since Monday", "The printer stays dark"]
    asked = ["my router drops the conection since  Monday", "The parcel has not arrived"]
    assert [leak[:2] for leak in leaked({"train": known, "test": asked})["test"]] == [(0, 0)]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda base: (base / "model.safetensors").unlink(), "no safetensors: no weights at all"),
        (
            lambda base: (base / "model.safetensors").rename(base / "pytorch_model.bin"),
            "only pytorch_model.bin, a pickle",
        ),
        (lambda base: changed(base / "config.json", auto_map={"AutoModel": "code.py"}), "brings code"),
        (lambda base: changed(base / "config.json", vocab_size=100), "they are not of one"),
        (lambda base: (base / "config.json").unlink(), "no config.json"),
        (lambda base: (base / "chat_template.jinja").unlink(), "no chat template"),
        (
            lambda base: (base / "chat_template.jinja").write_text("{{ messages[-1].content }}<|end|>"),
            "the chat template drops what `user` says",
        ),
    ],
)
def test_a_base_that_cannot_be_used_is_told(root: Path, spoil: Any, told: str) -> None:
    spoil(root / "base")
    with pytest.raises(StageFailure, match=told):
        written(root, ROWS)


def changed(path: Path, **keys: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | keys))


def test_a_chat_is_answered_by_its_last_turn(root: Path) -> None:
    found = written(root, {"messages": [TURNS, TURNS[:2]]})
    assert found["inputs"] == [{"name": "messages", "type": "chat"}]
    task = Task.model_validate(
        {
            "kind": "generation",
            "target": "messages",
            "conversation": LanguageModel.model_validate({"base": {"path": "base"}}).conversation([]),
        }
    )
    assert turns_of(polars.DataFrame({"messages": [TURNS]}), task) == [Turns((TURNS[0],), "it is late")]


def test_a_chat_that_the_user_ends_is_told(root: Path) -> None:
    with pytest.raises(StageFailure, match="do not end with a turn of `assistant`, such as row 2"):
        written(root, {"messages": [TURNS, TURNS[:1]]})


def test_a_row_cannot_be_longer_than_what_the_base_reads(root: Path) -> None:
    with pytest.raises(StageFailure, match="the base reads 64 tokens at most"):
        written(root, ROWS, length=65)


def test_several_texts_are_lines_of_one_turn() -> None:
    asked = prompt_of({"product": "router", "note": None, "problem": "it is late"})
    assert asked == ({"role": "user", "content": "product: router\nproblem: it is late"},)


def test_turns_of_unknown_roles_break_the_contract() -> None:
    odd = [{"role": "robot", "content": "beep"}]
    rows, found = contract.typed(polars.DataFrame({"messages": [TURNS, odd]}), {"messages": CHAT})
    assert rows["messages"].null_count() == 1
    assert "one of system, user, assistant, tool" in found["messages", 0].message


def test_ranges_of_the_adapter_are_searched() -> None:
    ranges = {"rank": {"choice": [2, 4]}, "dropout": {"uniform": [0.0, 0.5]}}
    model = LanguageModel.model_validate({"base": {"path": "base"}, "adapter": {"lora": ranges}})
    space = Space.of(model, Training.default())
    assert set(space.ranges) == {"rank", "dropout"}
    chosen, _ = filled(model, Training.default(), {"rank": 4, "dropout": 0.25})
    assert chosen.model_dump()["adapter"] == {
        "lora": {"rank": 4, "alpha": 32.0, "dropout": 0.25, "targets": "all-linear"}
    }
