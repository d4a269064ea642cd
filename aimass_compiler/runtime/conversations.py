"""The features of a language model: conversations as tokens, with what was cut off, packed and left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import polars

from aimass_compiler.catalog.base_model import BaseError
from aimass_compiler.catalog.conversation import ANSWERING
from aimass_compiler.catalog.frameworks._chat_tokens import (
    Tokenizing,
    base_digest,
    require_fitting,
    require_sound,
)
from aimass_compiler.catalog.turns import Turns, turns_of
from aimass_compiler.conventions import SPLITS
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.examples import write_matrix, write_target
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.near_duplicates import leaked
from aimass_compiler.runtime.workspace import Workspace, write_json
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.catalog.task import Task
    from aimass_compiler.pipeline.columns import Column

#: A prompt and its answer, as tokens.
Pair = tuple[tuple[int, ...], tuple[int, ...]]


def write_conversations(
    columns: Mapping[str, Column], task: Task, how: Conversation, workspace: Workspace, root: Path
) -> None:
    """Write the tokens of every split, and what became of them. Raises StageFailure."""
    try:
        tokenizing, folder = _tokenizing(how, root)
        rows = {name: polars.read_parquet(workspace.path(artifacts.rows(name))) for name in SPLITS}
        for name, part in rows.items():
            _require_answered(part, task, name)
        turns = {name: turns_of(part, task) for name, part in rows.items()}
        roles = {turn["role"] for part in turns.values() for each in part for turn in each.turns}
        tokenizing.require_roles({*roles, ANSWERING})
        counts = {
            name: _write_split(name, part, rows[name], task, tokenizing, workspace)
            for name, part in turns.items()
        }
    except BaseError as error:
        told = str(error) if how.base.shown in str(error) else f"{how.base.shown}: {error}"
        raise StageFailure(ExitCode.DATA, told, error.help) from None
    _require_answers(counts["train"], how)
    leaks = leaked({name: [_text(each) for each in part] for name, part in turns.items()})
    description = {
        "names": [],
        "shape": [how.sequence_length, 2],
        "accepts": "conversation",
        "codes": tokenizing.vocabulary,
        "inputs": _inputs(columns, task, how),
        "base": {**how.base.model_dump(mode="json"), "digest": base_digest(folder)},
        "tokenizer": tokenizing.digest,
        "template": tokenizing.template_digest,
        "counts": counts,
        "leaks": {name: len(found) for name, found in leaks.items()},
    }
    write_json(workspace.path(artifacts.FEATURES), description)
    _tell(counts, how, leaks)


def _tokenizing(how: Conversation, root: Path) -> tuple[Tokenizing, Path]:
    folder = how.base.folder(root)
    require_sound(folder)
    tokenizing = Tokenizing.of(folder, None if how.template is None else root / how.template)
    require_fitting(folder, tokenizing, how.sequence_length)
    tokenizing.require_roles(("user", ANSWERING))
    return tokenizing, folder


def _inputs(columns: Mapping[str, Column], task: Task, how: Conversation) -> list[dict[str, Any]]:
    return [{"name": name, "type": columns[name].type} for name in how.columns or (task.target,)]


def _text(each: Turns) -> str:
    return "\n".join(turn["content"] for turn in each.turns)


def _write_split(
    split: str,
    turns: Sequence[Turns],
    rows: polars.DataFrame,
    task: Task,
    tokenizing: Tokenizing,
    workspace: Workspace,
) -> dict[str, int]:
    """Write a split's tokens; training rows without an answer are left out, and packed where wanted."""
    how, length = _how(task), _how(task).sequence_length
    pairs = [_encoded(each, tokenizing) for each in turns]
    fitted = [[_cut(pair, length) for pair in each] for each in pairs]
    sizes = [max(len(prompt) + len(answer) for prompt, answer in each) for each in pairs]
    answered = [all(answer for _, answer in each) for each in fitted]
    is_training = split == "train"
    kept = [place for place, is_kept in enumerate(answered) if is_kept or not is_training]
    packs = [[place] for place in kept]
    if is_training and _may_pack(task, how):
        packs = packed([sum(map(len, fitted[place][0])) for place in kept], length)
        packs = [[kept[place] for place in pack] for pack in packs]
    longest = max((min(sum(sizes[place] for place in pack), length) for pack in packs), default=1)
    made = numpy.zeros((len(packs), len(fitted[0]) if fitted else 1, longest, 2), numpy.int32)
    for row, pack in enumerate(packs):
        for side in range(made.shape[1]):
            _fill(made[row, side], [fitted[place][side] for place in pack])
    first = [pack[0] for pack in packs]
    weights = None if task.weight is None else rows[task.weight].to_numpy().astype(numpy.float64)[first]
    _write(workspace.folder("features"), split, made, _targets(task, rows, first), weights)
    return {
        "rows": len(turns),
        "tokens": int((made[..., 1] != 0).sum()),
        "learned": int((made[..., 1] > 0).sum()),
        "masked": int((made[..., 1] < 0).sum()),
        "truncated": sum(size > length for size in sizes),
        "unanswered": len(turns) - sum(answered),
        "longest": max(sizes, default=0),
        "packed": len(packs),
    }


def _may_pack(task: Task, how: Conversation) -> bool:
    """Whether conversations may share a row: not where each has a class, a weight or a second answer."""
    return how.packing and not task.is_classification and task.weight is None and how.rejected is None


def _require_answered(rows: polars.DataFrame, task: Task, split: str) -> None:
    """Raise StageFailure where the target is a conversation that the assistant does not end."""
    if not isinstance(rows.schema[task.target], polars.List):
        return
    last = rows[task.target].list.last().struct.field("role")
    wrong = (last != ANSWERING).arg_true()
    if len(wrong):
        raise StageFailure(
            ExitCode.DATA,
            f"{len(wrong):,} conversations of the {split} split do not end with a turn of `{ANSWERING}`, "
            f"such as row {wrong[0] + 1}, whose last turn is of `{last[wrong[0]]}`",
            "the last turn is what is learned: cut the conversations there, or leave these rows out",
        )


def _how(task: Task) -> Conversation:
    if task.conversation is None:
        raise LookupError("the task has no conversations")
    return task.conversation


def _encoded(each: Turns, tokenizing: Tokenizing) -> list[Pair]:
    """The tokens of the answer that is learned; beside them, of one that was liked less."""
    found = [tokenizing.encoded(each)]
    if each.rejected is not None:
        found.append((found[0][0], tokenizing.answer_ids(each.turns, each.rejected)))
    return found


def _cut(pair: Pair, length: int) -> Pair:
    prompt, answer = pair
    return prompt[:length], answer[: max(0, length - len(prompt))]


def packed(sizes: Sequence[int], length: int) -> list[list[int]]:
    """Which conversations share a row: the largest first, each into the first row with room for it."""
    order = sorted(range(len(sizes)), key=lambda place: -sizes[place])
    rows: list[list[int]] = []
    room: list[int] = []
    for place in order:
        found = next((row for row, left in enumerate(room) if left >= sizes[place]), None)
        if found is None:
            rows.append([])
            room.append(length)
            found = len(rows) - 1
        rows[found].append(place)
        room[found] -= sizes[place]
    return rows


def _fill(row: NDArray[numpy.int32], pairs: Sequence[Pair]) -> None:
    """Tokens, [L, 2], with the number of their conversation: above 0 where learned, below where only read."""
    start = 0
    for number, (prompt, answer) in enumerate(pairs, start=1):
        middle, end = start + len(prompt), start + len(prompt) + len(answer)
        row[start:end, 0] = (*prompt, *answer)
        row[start:middle, 1] = -number
        row[middle:end, 1] = number
        start = end


def _targets(task: Task, rows: polars.DataFrame, places: Sequence[int]) -> NDArray[numpy.int64]:
    if not task.is_classification:
        return numpy.zeros(len(places), numpy.int64)
    number = {name: place for place, name in enumerate(task.classes)}
    truth = rows[task.target].to_list()
    return numpy.array([number[truth[place]] for place in places], numpy.int64)


def _write(
    folder: Path,
    split: str,
    made: NDArray[numpy.int32],
    y: NDArray[numpy.int64],
    weights: NDArray[numpy.float64] | None,
) -> None:
    """Write `{split}_x.npy`, [N, L, 2], or of pairs [N, 2, L, 2]."""
    x = made[:, 0] if made.shape[1] == 1 else made
    write_matrix(folder, split, len(x), numpy.dtype(("<i4", x.shape[1:])), [x])
    write_target(folder, split, y, weights)


def _require_answers(counts: Mapping[str, int], how: Conversation) -> None:
    if counts["learned"] == 0:
        raise StageFailure(
            ExitCode.DATA,
            f"no training row has room for its answer: `sequence_length` is {how.sequence_length}, and the "
            f"longest row has {counts['longest']:,} tokens",
            f"write `sequence_length: {counts['longest']}` or more, or shorten the prompts",
        )


def _tell(
    counts: Mapping[str, Mapping[str, int]], how: Conversation, leaks: Mapping[str, Sequence[Any]]
) -> None:
    train = counts["train"]
    print(
        f"{train['rows']:,} training rows became {train['tokens']:,} tokens, of which {train['learned']:,} "
        f"of answers are learned and {train['masked']:,} are masked"
        + (
            f"; packed into {train['packed']:,} rows of at most {how.sequence_length:,}"
            if how.packing
            else ""
        )
    )
    for line in _warnings(counts, how, leaks):
        print(line)


def _warnings(
    counts: Mapping[str, Mapping[str, int]], how: Conversation, leaks: Mapping[str, Sequence[Any]]
) -> Iterator[str]:
    cut = sum(found["truncated"] for found in counts.values())
    if cut:
        lost = sum(found["unanswered"] for found in counts.values())
        longest = max(found["longest"] for found in counts.values())
        yield (
            f"warning: {cut:,} rows are longer than the context of {how.sequence_length:,} tokens and were "
            f"cut off, {lost:,} of them before their answer\n  help: the longest has {longest:,} tokens: "
            f"write `sequence_length: {longest}`, or shorten the texts"
        )
    for split, found in leaks.items():
        if found:
            place, other, likeness = found[0]
            yield (
                f"warning: {len(found):,} {split} rows nearly repeat training rows, such as row "
                f"{place + 1} ({likeness:.0%} like training row {other + 1})\n  help: metrics flatter "
                "what knows the rows: drop copies with `clean: [drop_duplicates]`, or split `by: group`"
            )
