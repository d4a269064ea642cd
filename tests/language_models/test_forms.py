"""A tiny model with an adapter answers the same by peft, merged, and built for onnxruntime-genai."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy
import pytest

from aimass_compiler.catalog.text_engine import TokenRow
from tests.harness.tiny_language_model import adapted, tiny

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.slow

TURNS = [{"role": "user", "content": "is it late?"}]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny(tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def adapter(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return adapted(base, tmp_path_factory.mktemp("adapter"))


@pytest.fixture(scope="module")
def merged(base: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from aimass_compiler.catalog.artifacts._weights import write_merged

    folder = tmp_path_factory.mktemp("merged")
    write_merged(base, adapter, base, folder)
    return folder


def answers(engine: Any) -> tuple[tuple[int, ...], numpy.ndarray, tuple[int, ...]]:
    prompt = engine.prompt_ids(TURNS)
    row = TokenRow(prompt, tuple(range(5, 15)))
    return (
        prompt,
        engine.log_probabilities([row, TokenRow(prompt[:3], (7,))])[0],
        engine.greedy([prompt], 12)[0],
    )


def test_every_form_reads_and_answers_the_same(
    base: Path, adapter: Path, merged: Path, tmp_path: Path
) -> None:
    from aimass_compiler.catalog.artifacts._causal_model import CausalModel
    from aimass_compiler.catalog.artifacts._genai_engine import GenaiEngine
    from aimass_compiler.catalog.artifacts._weights import write_graph

    write_graph(merged, None, tmp_path / "onnx")
    forms = [
        CausalModel.of_adapter("training stack", base, adapter, base),
        CausalModel.of_weights("merged weights", merged, merged),
        GenaiEngine("onnxruntime-genai", tmp_path / "onnx"),
    ]
    assert {form.stop_ids for form in forms} == {(1, 4)}  # the template's end beside the configuration's
    prompt, scored, chosen = answers(forms[0])
    for form in forms[1:]:
        found = answers(form)
        assert found[0] == prompt
        assert numpy.abs(found[1] - scored).max() < 1e-5
        assert found[2] == chosen
    plain, _, _ = answers(CausalModel.of_weights("base", base, base))
    assert plain == prompt


def test_the_adapter_matters_and_merging_again_makes_the_same_bytes(
    base: Path, adapter: Path, merged: Path, tmp_path: Path
) -> None:
    from aimass_compiler.catalog.artifacts._causal_model import CausalModel
    from aimass_compiler.catalog.artifacts._weights import code_in, write_merged

    with_adapter, without = (
        answers(CausalModel.of_weights("", folder, folder))[1] for folder in (merged, base)
    )
    assert numpy.abs(with_adapter - without).max() > 0.01
    write_merged(base, adapter, base, tmp_path)
    contents: Callable[[Path], dict[str, bytes]] = lambda folder: {  # noqa: E731  # of two folders
        path.name: path.read_bytes() for path in folder.iterdir()
    }
    assert contents(tmp_path) == contents(merged)
    assert {"config.json", "generation_config.json", "model.safetensors", "tokenizer.json"} <= set(
        contents(merged)
    )
    assert code_in(merged) == []


@pytest.mark.parametrize("scheme", ["int8", "int4"])
def test_a_quantised_graph_is_smaller_and_near(merged: Path, tmp_path: Path, scheme: str) -> None:
    from aimass_compiler.catalog.artifacts._genai_engine import GenaiEngine
    from aimass_compiler.catalog.artifacts._weights import write_graph

    write_graph(merged, None, tmp_path / "fp32")
    write_graph(merged, scheme, tmp_path / scheme)
    size = {name: (tmp_path / name / "model.onnx.data").stat().st_size for name in ("fp32", scheme)}
    assert size[scheme] < size["fp32"]
    exact, rough = (answers(GenaiEngine("", tmp_path / name))[1] for name in ("fp32", scheme))
    assert 0 < numpy.abs(exact - rough).mean() < 0.2


def test_what_would_run_code_is_found(tmp_path: Path) -> None:
    from aimass_compiler.catalog.artifacts._weights import code_in

    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    (tmp_path / "modeling_own.py").write_text("")
    (tmp_path / "config.json").write_text('{"auto_map": {"AutoModel": "modeling_own.Own"}}')
    assert code_in(tmp_path) == ["config.json", "modeling_own.py", "pytorch_model.bin"]


def test_what_is_large_is_smoothed_where_that_helps_and_changes_nothing_else(base: Path) -> None:
    import torch

    from aimass_compiler.catalog.artifacts import _compressed_weights
    from aimass_compiler.catalog.artifacts._causal_model import loaded_weights
    from aimass_compiler.catalog.examples import Examples
    from aimass_compiler.catalog.frameworks._conversation_batch import ConversationBatch

    tokens = numpy.random.default_rng(0).integers(5, 200, (8, 10))
    rows = numpy.stack([tokens, numpy.ones_like(tokens)], axis=-1).astype(numpy.int32)
    batches = [ConversationBatch.of(Examples(rows, numpy.zeros(8)), numpy.arange(8), "cpu")]
    model = loaded_weights(base)
    norm = model.model.layers[0].input_layernorm
    with torch.no_grad():
        norm.weight[3] = 100.0
        wanted = model(**batches[0].reading).logits
        assert _compressed_weights._smoothed(model, batches, 0.5)
        assert torch.allclose(model(**batches[0].reading).logits, wanted, atol=1e-4)
        assert norm.weight[3] / norm.weight.median() < 50  # of 100 before

        # Something beside the linear layers reads what is smoothed.
        model = loaded_weights(base)
        model.model.layers[0].input_layernorm.register_forward_hook(lambda _, __, out: out + out.mean())
        assert not _compressed_weights._smoothed(model, batches, 0.8)
