"""Fine-tuning: what is learned, masked and packed, and that a training that was killed goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog.adapters.full import Full
from aimass_compiler.catalog.adapters.lora import Lora
from aimass_compiler.catalog.examples import Examples
from aimass_compiler.catalog.frameworks._epochs import CheckpointError
from aimass_compiler.catalog.model import Budget
from aimass_compiler.catalog.models.language_model import LanguageModel, Preference
from aimass_compiler.catalog.optimizers.adamw import Adamw
from aimass_compiler.catalog.task import Task
from aimass_compiler.runtime.conversations import _fill, packed
from tests.language_models.test_forms import tiny

if TYPE_CHECKING:
    from collections.abc import Mapping

pytestmark = pytest.mark.slow
LENGTH = 12


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a base of random weights, whose answers are not all alike: an adapter can move them."""
    import torch

    from aimass_compiler.catalog.artifacts._causal_model import loaded_weights

    folder = tmp_path_factory.mktemp("project")
    base = loaded_weights(tiny(folder / "base"))
    with torch.no_grad():
        base.lm_head.weight *= 20
    base.save_pretrained(folder / "base")
    return folder


def model(**written: Any) -> LanguageModel:
    return LanguageModel.model_validate({"base": {"path": "base"}, "sequence_length": LENGTH, **written})


def task(of: LanguageModel, kind: str = "generation", **written: Any) -> Task:
    conversation = of.conversation(["prompt"])
    return Task.model_validate({"kind": kind, "target": "answer", "conversation": conversation, **written})


PAIRS = [((10 + row, 11, 12), (20 + row % 3, 21, 4)) for row in range(8)]


def rows(*packs: list[tuple[Any, Any]]) -> Examples:
    """Rows of conversations, each a prompt and its answer."""
    made = numpy.zeros((len(packs), LENGTH, 2), numpy.int32)
    for row, pack in zip(made, packs, strict=True):
        _fill(row, pack)
    return Examples(made, numpy.zeros(len(packs), numpy.int64))


ALONE = rows(*([pair] for pair in PAIRS))


def budget(root: Path, **written: Any) -> Budget:
    optimizer = Adamw.model_validate({"learning_rate": 0.02})
    usual = {"epochs": 3, "batch_size": 4, "patience": 0, "seed": 3, "threads": 1, "optimizer": optimizer}
    return Budget(**{**usual, "root": root, **written})


def losses(of: LanguageModel, root: Path, examples: Examples = ALONE, **written: Any) -> list[float]:
    found: list[float] = []

    def progress(step: int, told: Mapping[str, float]) -> bool:
        found.append(told["validation_loss"])
        return step == written.get("stop")

    limits = {name: value for name, value in written.items() if name != "stop"}
    of.train(task(of), examples, ALONE, budget(root, **limits), progress)
    return found


@pytest.mark.parametrize("adapter", [Lora.default(), Full.default()], ids=["lora", "full"])
def test_it_learns_and_repeats_itself(root: Path, adapter: Any) -> None:
    found = losses(model(adapter=adapter), root, epochs=6)
    assert found[-1] < found[0] - 0.2
    assert losses(model(adapter=adapter), root, epochs=2) == found[:2]


def test_a_training_that_was_killed_goes_on_as_if_it_never_was(root: Path, tmp_path: Path) -> None:
    of = model(adapter={"lora": {"dropout": 0.2}})
    whole = losses(of, root)
    checkpoint = tmp_path / "checkpoint"
    assert losses(of, root, checkpoint=checkpoint, stop=2) == whole[:2]
    assert losses(of, root, checkpoint=checkpoint) == whole


def test_a_base_in_4_bits_learns_on_a_cpu_and_goes_on_as_if_it_was_never_watched(
    root: Path, tmp_path: Path
) -> None:
    pytest.importorskip("bitsandbytes", reason="the extra `qlora` is not installed")
    of = model(adapter={"lora": {"base_precision": "nf4"}})
    found = losses(of, root, epochs=4)
    assert found[-1] < found[0] - 0.2
    checkpoint = tmp_path / "checkpoint"
    losses(of, root, epochs=4, checkpoint=checkpoint, stop=2)
    assert losses(of, root, epochs=4, checkpoint=checkpoint) == pytest.approx(found, rel=1e-5)


def test_packed_conversations_see_only_themselves(root: Path) -> None:
    both = rows(PAIRS[:2], PAIRS[2:4])
    alone = rows(*([pair] for pair in PAIRS[:4]))
    trained = model().train(task(model()), alone, alone, budget(root, epochs=1), lambda *_: False)
    packed_found, found = trained.predict(both.x), trained.predict(alone.x)
    assert packed_found["tokens"].tolist() == [6, 6]
    expected = found["log_probability"].reshape(2, 2).sum(axis=1)
    assert packed_found["log_probability"] == pytest.approx(expected, abs=1e-4)


def test_batches_that_are_summed_up_are_one_larger_batch(root: Path) -> None:
    uneven = rows([PAIRS[0]], [((5,), (21, 4))], [PAIRS[1]], [((5, 6, 7, 8), (22, 23, 24, 4))])
    one = losses(model(), root, uneven, batch_size=4)
    assert losses(model(), root, uneven, batch_size=1, accumulation=4) == pytest.approx(one, abs=1e-5)


def test_a_preference_makes_one_answer_likelier_than_the_other(root: Path) -> None:
    of = model(preference={"rejected": "worse", "beta": 0.5})
    assert of.preference == Preference(rejected="worse", beta=0.5)
    worse = rows(*([(prompt, (30, 31, 4))] for prompt, _ in PAIRS))
    pairs = Examples(numpy.stack([ALONE.x, worse.x], axis=1), ALONE.y)
    before = of.train(task(of), pairs, pairs, budget(root, epochs=1, optimizer=_still()), lambda *_: False)
    after = of.train(task(of), pairs, pairs, budget(root), lambda *_: False)

    def margin(trained: Any) -> float:
        liked, other = (trained.predict(x)["log_probability"] for x in (ALONE.x, worse.x))
        return float((liked - other).mean())

    assert margin(after) > margin(before) + 1


def _still() -> Adamw:
    return Adamw.model_validate({"learning_rate": 1e-9})


def test_classes_are_answered_by_how_likely_each_is(root: Path) -> None:
    of = model()
    of_classes = task(of, "classification", classes=("it", "late"))
    y = numpy.array([0, 1] * 4)
    from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing

    tokenizing = Tokenizing.of(root / "base")
    asked = ({"role": "user", "content": "?"},)
    answers = [tokenizing.answer_ids(asked, name) for name in of_classes.classes]
    told = rows(*([((50 + 10 * label, 51), answers[label])] for label in y))
    trained = of.train(
        of_classes, Examples(told.x, y), Examples(told.x, y), budget(root, epochs=8), lambda *_: False
    )
    shares = trained.predict(told.x)
    assert shares.dtype == numpy.float32
    assert shares.sum(axis=1) == pytest.approx(numpy.ones(8), abs=1e-5)
    assert shares.argmax(axis=1).tolist() == y.tolist()


def test_what_was_learned_is_left_with_what_it_was_learned_on(root: Path, tmp_path: Path) -> None:
    trained: Any = model().train(task(model()), ALONE, ALONE, budget(root, epochs=1), lambda *_: False)
    model().artifact.write(trained, tmp_path)
    folder = tmp_path / "language_model"
    assert {path.name for path in folder.iterdir()} == {"adapter", "tokenizer", "language_model.json"}
    assert (folder / "adapter" / "adapter_model.safetensors").is_file()


def test_packing_wastes_little(root: Path) -> None:
    del root
    assert packed([5, 3, 6, 2, 9], 10) == [[4], [2, 1], [0, 3]]


def test_a_disk_that_fills_ends_training_and_keeps_the_checkpoint_before(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    checkpoint = tmp_path / "checkpoint"
    assert len(losses(model(), root, checkpoint=checkpoint, stop=1)) == 1
    before = checkpoint.read_bytes()

    def full(state: object, path: Path) -> None:
        del state
        path.write_bytes(b"half of it")
        raise RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(CheckpointError, match="failed writing"):
        losses(model(), root, checkpoint=checkpoint)
    assert (checkpoint.read_bytes(), [*tmp_path.iterdir()]) == (before, [checkpoint])
