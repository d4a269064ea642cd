"""What training left is evaluated, and packaged only where all forms of it answer the same."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars
import pytest

from aimass_compiler.catalog.artifacts.language_model import LanguageModelFiles
from aimass_compiler.catalog.base_model import BaseError, PathBase
from aimass_compiler.catalog.conversation import Conversation
from aimass_compiler.catalog.frameworks._chat_tokens import base_digest
from aimass_compiler.catalog.task import Task
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.columns import ChatColumn, TextColumn
from aimass_compiler.pipeline.evaluation import Evaluation
from aimass_compiler.pipeline.quantization import Quantization
from aimass_compiler.pipeline.training import Objective
from aimass_compiler.runtime import __main__
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.packaging.manifest import manifest_of
from aimass_compiler.runtime.stages import evaluate, package
from aimass_compiler.runtime.workspace import Workspace, read_json, write_json
from tests.harness.made_once import made_once
from tests.harness.tiny_language_model import adapted, tiny

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.pipeline.columns import Column

pytestmark = pytest.mark.slow

HOW = Conversation(base=PathBase(path="models/base"), columns=("prompt",), sequence_length=64)
TASK = Task(kind="generation", target="answer", conversation=HOW)
COLUMNS: Mapping[str, Column] = {"prompt": TextColumn(type="text"), "answer": TextColumn(type="text")}
ROWS = polars.DataFrame(
    {"prompt": ["is it late?", "late it is", "is it"] * 4, "answer": ["it is late", "is it", "it"] * 4}
)
NAME = "desk"


def _project(root: Path) -> None:
    """A project whose model was trained and evaluated, as far as the stages behind training can tell."""
    base = tiny(root / "models" / "base")
    (base / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
    workspace = Workspace(root, NAME)
    for split in ("train", "validation", "test"):
        ROWS.write_parquet(workspace.folder("prepare") / f"{split}.parquet")
    left = workspace.folder("train") / "language_model"
    adapted(base, left / "adapter")
    shutil.copytree(base, left / "tokenizer", ignore=shutil.ignore_patterns("*.safetensors", "config.json"))
    of = {"base": {"path": "models/base", "digest": base_digest(base)}, "tokenizer": "1", "template": "2"}
    write_json(left / "language_model.json", of)
    best = {
        "model": "language_model",
        "parameters": {"adapter": {"lora": {"rank": 4}}},
        "trained_at": "2026-01-01T00:00:00Z",
    }
    write_json(workspace.path("train/best.json"), best)
    counts = {"rows": 12, "tokens": 100, "learned": 40, "truncated": 0}
    features = {
        "inputs": [{"name": "prompt", "type": "text"}],
        **of,
        "counts": dict.fromkeys(("train", "validation", "test"), counts),
        "leaks": {"validation": 0, "test": 0},
    }
    write_json(workspace.path("features/features.json"), features)
    _evaluate(workspace)


def _evaluate(
    workspace: Workspace, task: Task = TASK, columns: Mapping[str, Column] = COLUMNS, **more: Any
) -> None:
    evaluation = Evaluation.model_validate({"metrics": ("perplexity", "exact_match", "rouge_l"), **more})
    evaluate.run(task, columns, evaluation, Objective(metric="perplexity"), workspace=workspace)


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_once(tmp_path_factory, "evaluated-language-model", _project)


@pytest.fixture
def workspace(evaluated: Path, tmp_path: Path) -> Workspace:
    shutil.copytree(evaluated, tmp_path, dirs_exist_ok=True)
    return Workspace(tmp_path, NAME)


def packaged(workspace: Workspace, task: Task = TASK, **how: Any) -> Path:
    package.run(NAME, task, COLUMNS, **how, workspace=workspace)
    return workspace.folder("package/model")


def test_all_splits_are_measured_and_answers_are_kept(workspace: Workspace) -> None:
    metrics = read_json(workspace.path("evaluate/metrics.json"))
    assert {split: set(metrics[split]) for split in ("train", "test")} == {
        split: {"perplexity", "exact_match", "rouge_l"} for split in ("train", "test")
    }
    answers = polars.read_parquet(workspace.path("evaluate/predictions.parquet"))
    assert answers["expected"].to_list() == ROWS["answer"].to_list()


def test_a_package_has_both_forms_their_certificate_and_what_says_so(workspace: Workspace) -> None:
    folder = packaged(workspace)
    assert {path.name for path in folder.iterdir()} == {
        "weights", "onnx", "signature.json", "golden.json", "parity.json", "model_card.md", "manifest.json"
    }  # fmt: skip
    parity = read_json(folder / "parity.json")
    assert [form["form"] for form in parity["forms"]] == ["merged weights", "onnxruntime-genai"]
    card = (folder / "model_card.md").read_text()
    assert parity["statement"].split(":")[0] in card
    assert "| Licence of the base | apache-2.0 |" in card
    assert read_json(folder / "manifest.json") == manifest_of(folder)
    assert "onnx/model.onnx" in read_json(folder / "manifest.json")["files"]
    assert read_json(workspace.path("package/metrics.json"))["parity"] == parity
    signature = read_json(folder / "signature.json")
    assert (signature["stop_ids"], signature["engine"], signature["context"]) == ([1, 4], "onnx", 64)
    golden = read_json(folder / "golden.json")["prompts"]
    assert all(len(each["answer_ids"]) == len(each["log_probabilities"]) for each in golden)
    assert len(golden) == 3  # one of each right answer


def test_an_adapter_alone_names_its_base_as_the_spec_does(workspace: Workspace) -> None:
    folder = packaged(workspace, engine="vllm", adapter_of="desk-base")
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == ["adapter"]
    config = read_json(folder / "adapter" / "adapter_config.json")
    assert config["base_model_name_or_path"] == "models/base"


def test_an_adapter_of_another_base_is_neither_evaluated_nor_packaged(workspace: Workspace) -> None:
    weights = workspace.root / "models" / "base" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1  # the sign and shapes of all weights are as they were
    weights.write_bytes(content)
    with pytest.raises(BaseError, match="models/base is another base than the adapter was trained on"):
        _evaluate(workspace)
    with pytest.raises(StageFailure, match="is another base than the adapter was trained on") as failure:
        packaged(workspace)
    assert "`aimass run` does so" in failure.value.help
    assert not (workspace.folder("package/model") / "weights").exists()


def test_a_row_without_room_for_its_answer_counts_as_answered_by_nothing(workspace: Workspace) -> None:
    long = ROWS.head(2).with_columns(prompt=polars.Series(["is it late?", "late " * 80]))
    long.write_parquet(workspace.path("prepare/test.parquet"))
    _evaluate(workspace)
    table = polars.read_parquet(workspace.path("evaluate/predictions.parquet"))
    assert (table["tokens"][0] > 0, table["answer"][1], table["tokens"][1]) == (True, "", 0)
    golden = read_json(packaged(workspace) / "golden.json")["prompts"]
    assert [each["messages"][0]["content"] for each in golden] == ["is it late?"]


def test_features_of_another_tokenizer_are_not_packaged(workspace: Workspace) -> None:
    path = workspace.path("features/features.json")
    write_json(path, {**read_json(path), "tokenizer": "other"})
    with pytest.raises(StageFailure, match="trained with another tokenizer than its features were made with"):
        packaged(workspace)


def test_weights_that_lost_the_adapter_are_told_and_nothing_is_packaged(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aimass_compiler.catalog.artifacts import _weights

    monkeypatch.setattr(_weights, "with_adapter", lambda model, _: _Unmerged(model))
    with pytest.raises(StageFailure) as failure:
        packaged(workspace, engine="vllm")
    assert "merged weights gives token 1 of the answer to row 0" in failure.value.message
    assert "away from that of training stack; 0.02 is allowed" in failure.value.message
    assert not (workspace.folder("package/model") / "weights").exists()


class _Unmerged:
    """What peft would leave, had it forgotten the adapter."""

    def __init__(self, model: Any) -> None:
        self.model = model

    def merge_and_unload(self) -> Any:
        return self.model


def test_quantisation_is_measured_and_held_to_its_gates(workspace: Workspace) -> None:
    how: Mapping[str, Any] = {"scheme": "int4", "gates": [{"metric": "perplexity", "loses": 100}]}
    folder = packaged(workspace, quantize=Quantization.model_validate(how))
    reached = read_json(workspace.path("package/metrics.json"))
    assert reached["quantized"]["test"]["perplexity"] != reached["test"]["perplexity"]
    assert reached["gates"][-1]["condition"] == "loses 100 by int4"
    assert read_json(folder / "signature.json")["quantized"] == "int4"
    strict = {"scheme": "int4", "log_probability": 1e-9}
    with pytest.raises(StageFailure, match="on average over all answers' tokens; 1e-09 is allowed"):
        packaged(workspace, quantize=Quantization.model_validate(strict))


@pytest.mark.parametrize("scheme", ["w8a8", "fp8"])
def test_weights_of_8_bits_are_packaged_alone_certified_and_measured(
    workspace: Workspace, scheme: str
) -> None:
    import numpy
    from safetensors import safe_open

    rows = numpy.random.default_rng(0).integers(5, 200, (20, 12, 2)).astype(numpy.int32)
    rows[..., 1] = 1
    numpy.save(workspace.folder("features") / "train_x.npy", rows)
    how = Quantization.model_validate({"scheme": scheme, "gates": [{"metric": "perplexity", "loses": 100}]})
    folder = packaged(workspace, engine="vllm", quantize=how)
    assert {path.name for path in folder.iterdir() if path.is_dir()} == {"weights"}
    with safe_open(folder / "weights" / "model.safetensors", "pt") as found:
        kept = {name: found.get_slice(name).get_dtype() for name in found.keys()}  # noqa: SIM118  # no mapping
    layer = "model.layers.0.mlp.up_proj"
    assert kept[f"{layer}.weight"] == {"w8a8": "I8", "fp8": "F8_E4M3"}[scheme]
    assert (kept[f"{layer}.weight_scale"], kept["lm_head.weight"]) == ("F32", "F32")
    forms = read_json(folder / "parity.json")["forms"]
    assert [(form["form"], form["log_probability"]["allowed_for"]) for form in forms] == [
        ("merged weights", "each token"),
        ("weights in 8 bits", "the mean"),
    ]
    assert forms[1]["log_probability"]["largest"] > 0
    reached = read_json(workspace.path("package/metrics.json"))
    assert reached["quantized"]["test"]["perplexity"] != reached["test"]["perplexity"]
    signature = read_json(folder / "signature.json")
    assert signature["quantized"] == scheme
    again = packaged(workspace, engine="vllm", quantize=how)
    assert read_json(again / "signature.json") == signature  # whose version is the hash of all bytes


def _release(workspace: Workspace, task: Task = TASK) -> None:
    """The package of the model as it is, as `aimass run` brings it."""
    folder = packaged(workspace, task)
    named = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    released = workspace.folder("released")
    shutil.copytree(folder, released / named)
    compared = {"environment": "prod", "version": "v1-0123abcd", "package": named}
    write_json(released / "compared.json", {"compared": {"": compared}})


BEATS: Mapping[str, Any] = {"gates": [{"metric": "rouge_l", "beats": "released"}]}


def test_the_released_model_is_asked_and_the_same_answers_are_no_worse(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    _release(workspace)
    _evaluate(workspace, **BEATS)
    assert "the same (95 % interval" in capsys.readouterr().out
    assert "worse_answers" not in read_json(workspace.path("evaluate/verdict.json"))


def test_answers_that_are_worse_than_the_released_models_are_listed(
    workspace: Workspace, capsys: pytest.CaptureFixture[str]
) -> None:
    from safetensors.torch import load_file, save_file

    _release(workspace)
    said = polars.read_parquet(workspace.path("evaluate/predictions.parquet"))["answer"]
    right = ROWS.with_columns(answer=said).head(3)
    right.write_parquet(workspace.path("prepare/test.parquet"))
    learned = workspace.path("train/language_model/adapter/adapter_model.safetensors")
    found = load_file(learned)
    save_file({name: -each if "lora_B" in name else each for name, each in found.items()}, learned)
    with pytest.raises(StageFailure, match="the model missed a gate"):
        _evaluate(workspace, **BEATS)
    worse = read_json(workspace.path("evaluate/verdict.json"))["worse_answers"]
    assert f"test row {worse[0]['row']} is answered worse (" in capsys.readouterr().out
    assert len({each["row"] for each in worse}) == len(worse) <= right.height
    assert all(each["was"] != each["now"] for each in worse)


def test_a_released_model_is_asked_with_its_own_columns(workspace: Workspace) -> None:
    """A text that a new spec adds turns the prompt into lines, which an earlier model has never seen."""
    folder, artifact = packaged(workspace), LanguageModelFiles()
    more = TASK.model_copy(update={"conversation": HOW.model_copy(update={"columns": ("prompt", "tone")})})
    rows, inputs = ROWS.head(2), [{"name": "prompt", "type": "text"}]
    expected = artifact.responder(folder, inputs, TASK)(rows)
    assert artifact.responder(folder, inputs, more)(rows).tolist() == expected.tolist()


def test_conversations_that_hold_their_answer_are_judged_packaged_and_compared(workspace: Workspace) -> None:
    turns = [
        [{"role": "user", "content": asked}, {"role": "assistant", "content": answered}]
        for asked, answered in ROWS.head(4).iter_rows()
    ]
    for split in ("train", "validation", "test"):
        table = polars.DataFrame({"messages": turns})
        table.write_parquet(workspace.folder("prepare") / f"{split}.parquet")
    path = workspace.path("features/features.json")
    write_json(path, {**read_json(path), "inputs": [{"name": "messages", "type": "chat"}]})
    how = HOW.model_copy(update={"columns": ()})
    task = Task(kind="generation", target="messages", conversation=how)
    columns = {"messages": ChatColumn(type="chat")}
    _release(workspace, task)
    signature = read_json(workspace.path("package/model/signature.json"))
    assert signature["example"] == {"messages": turns[0][:1]}
    _evaluate(workspace, task, columns, **BEATS)
    assert read_json(workspace.path("evaluate/metrics.json"))["released"]["prod"]["test"]


def test_the_program_says_what_is_wrong_with_a_base(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(workspace.root / "models" / "base")
    monkeypatch.setattr(__main__, "run_stage", lambda _, workspace: _evaluate(workspace))
    assert __main__.main(["evaluate", NAME, "--root", str(workspace.root)]) == ExitCode.FAILED
    told = capsys.readouterr().err
    assert told.startswith("evaluate: there is no folder models/base, which `base` names\n  help: ")
