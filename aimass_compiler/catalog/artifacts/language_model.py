"""A language model in files: adapter or weights where it was trained, merged and built where it serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from aimass_compiler import conventions
from aimass_compiler.catalog import servers
from aimass_compiler.catalog.artifact import Artifact, Server
from aimass_compiler.catalog.base_model import BaseError
from aimass_compiler.catalog.language_engine import ENGINES, ONNX, VLLM, engine_named
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    import numpy
    import polars

    from aimass_compiler.catalog.calibration import Calibration
    from aimass_compiler.catalog.forecast import IntervalWidths
    from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
    from aimass_compiler.catalog.task import Task, Thresholds
    from aimass_compiler.catalog.text_engine import TextEngine

#: What the forms of one model are called, in certificates and messages.
TRAINED, MERGED, BUILT, ADAPTED = "training stack", "merged weights", "onnxruntime-genai", "packaged adapter"
ROUNDED, LEARNED = "weights in 8 bits", "training stack with its base in 4 bits"
#: What lies in the folder that training leaves.
_ADAPTER, _FULL, _TOKENIZER, _NOTES = "adapter", "weights", "tokenizer", "language_model.json"
_FEATURES, _TRAINING_ROWS = Path(artifacts.FEATURES).name, Path(artifacts.matrix("train")).name
#: Merged weights that are certified, and packaged in fewer bits alone.
_WHOLE = "whole"
#: What is packaged where nothing else is asked for: one package for servers of both kinds.
_BOTH = (conventions.WEIGHTS_FOLDER, conventions.ONNX_FOLDER)


class LanguageModelFiles(Artifact[Any]):
    """The folder `language_model` that training leaves; packaged, weights and the graph that is served."""

    files: ClassVar[tuple[str, ...]] = ("language_model",)
    package_format: ClassVar[str] = conventions.LANGUAGE_PACKAGE_FORMAT
    companions: ClassVar[frozenset[str]] = frozenset(
        {
            conventions.SIGNATURE_FILE,
            conventions.GOLDEN_FILE,
            conventions.PARITY_FILE,
            conventions.MODEL_CARD_FILE,
            conventions.MANIFEST_FILE,
        }
    )
    server: ClassVar[Server] = servers.TEXT
    runs_on_accelerators: ClassVar[bool] = True
    engines: ClassVar[tuple[str, ...]] = tuple(ENGINES)
    omitted: ClassVar[frozenset[str]] = frozenset({artifacts.FEATURES_GRAPH, artifacts.FEATURES_REFERENCE})
    reads_rows: ClassVar[bool] = True
    packaged_by: ClassVar[str | None] = (
        "aimass_compiler.runtime.packaging.language_package:write_language_package"
    )
    summaries: ClassVar[Mapping[str, str]] = {
        "features": "write the rows as conversations, and these as tokens",
        "package": "merge the weights, build what serves, and certify that all forms answer alike",
    }
    proven: ClassVar[str] = "certified prompts answered by the certified tokens"

    def __init__(self, packaged: tuple[str, ...] = _BOTH) -> None:
        self._packaged = packaged

    def made_for(self, engine: str | None, *, is_adapter: bool) -> LanguageModelFiles:
        if is_adapter:
            return LanguageModelFiles((_ADAPTER,))
        return LanguageModelFiles(_BOTH if engine_named(engine).is_ours else _BOTH[:1])

    @property
    def packaged(self) -> tuple[str, ...]:
        return self._packaged

    @property
    def has_graph(self) -> bool:
        """Whether the package has what onnxruntime-genai serves."""
        return conventions.ONNX_FOLDER in self._packaged

    @property
    def engine(self) -> str:
        """What serves the package; one with a graph may be served by vLLM, too."""
        return (ONNX if self.has_graph else VLLM).name

    @property
    def asked_elsewhere(self) -> Mapping[str, str]:
        """The form that the package is served in and cannot be asked here, with the reason."""
        return {} if self.has_graph else {"vLLM": "it needs a separate environment"}

    @property
    def without_form(self) -> str:
        """What helps where the form that serves cannot be made."""
        return "`serving: {engine: vllm}` needs no graph" if self.has_graph else "leave `quantize` out"

    @property
    def is_adapter(self) -> bool:
        """Whether the package is an adapter, for a base that another model's servers have."""
        return _ADAPTER in self._packaged

    def unused(self, folder: Path) -> list[Path]:
        """What an earlier package has in a folder and this one has not."""
        known = (*_BOTH, _ADAPTER)
        return [folder / name for name in known if name not in self._packaged and (folder / name).is_dir()]

    def write(self, trained: Any, folder: Path) -> None:
        trained.save(folder / self.files[0])

    def calibrate(self, calibration: Calibration, task: Task, folder: Path) -> None:
        raise NotImplementedError  # a language model learns no probabilities on rows of its own

    def scorer(self, folder: Path) -> Callable[[numpy.ndarray], numpy.ndarray]:
        raise NotImplementedError  # it is asked rows, not matrices

    def row_scorer(self, trained: Path, task: Task) -> Callable[[polars.DataFrame], numpy.ndarray]:
        from aimass_compiler.catalog.artifacts._text_answers import answers_to

        _require_trained_base(trained, trained / self.files[0])
        engine, tokenizing = self.trained_engine(trained), self.tokenizing(trained)
        return lambda rows: answers_to(rows, task, engine, tokenizing)

    def package(
        self,
        trained: Path,
        features: Path,
        task: Task,
        folder: Path,
        threshold: Thresholds | None = None,
        widths: IntervalWidths | None = None,
    ) -> None:
        del task, threshold, widths
        from aimass_compiler.catalog.artifacts._weights import copy_adapter, write_merged

        place = trained / self.files[0]
        _require_trained_base(trained, place)
        _require_same_features(features, place)
        if self.is_adapter:
            copy_adapter(place / _ADAPTER, folder / _ADAPTER, _noted(place)["base"])
            return
        full = place / _FULL
        base, adapter = (full, None) if full.is_dir() else (_base(trained, place), place / _ADAPTER)
        write_merged(base, adapter, place / _TOKENIZER, folder / conventions.WEIGHTS_FOLDER)

    def build(self, folder: Path, scheme: str | None, features: Path) -> None:
        """Build the graph beside a package's weights, quantised by a scheme, or quantise the weights.

        Raises RuntimeError.
        """
        from aimass_compiler.catalog.artifacts._compressed_weights import write_compressed
        from aimass_compiler.catalog.artifacts._weights import write_graph

        weights = folder / conventions.WEIGHTS_FOLDER
        if self.has_graph:
            write_graph(weights, scheme, folder / conventions.ONNX_FOLDER)
        elif scheme is not None:
            weights.rename(folder / _WHOLE)
            write_compressed(folder / _WHOLE, scheme, features / _TRAINING_ROWS, weights)

    def responder(
        self, folder: Path, inputs: Sequence[Mapping[str, Any]], task: Task
    ) -> Callable[[polars.DataFrame], numpy.ndarray]:
        from aimass_compiler.catalog.artifacts._text_answers import answers_to
        from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing

        engine = self.packaged_engine(folder)
        task = _asked_with(task, [place["name"] for place in inputs])
        has_graph = (folder / conventions.ONNX_FOLDER).is_dir()
        tokens = folder / (conventions.ONNX_FOLDER if has_graph else conventions.WEIGHTS_FOLDER)
        tokenizing = Tokenizing.of(tokens)
        return lambda rows: answers_to(rows, task, engine, tokenizing)

    def labels(self, signature: Mapping[str, Any]) -> Sequence[str]:
        found: Sequence[str] = signature["output"]["choices"]
        return found

    def trained_engine(self, trained: Path) -> TextEngine:
        """What training left, asked by what trained it: the base with its adapter, or weights of its own."""
        from aimass_compiler.catalog.artifacts._causal_model import CausalModel

        place = trained / self.files[0]
        if (place / _FULL).is_dir():
            return CausalModel.of_weights(TRAINED, place / _FULL, place / _TOKENIZER)
        return CausalModel.of_adapter(TRAINED, _base(trained, place), place / _ADAPTER, place / _TOKENIZER)

    def learned_engine(self, trained: Path) -> TextEngine | None:
        """The adapter beside a base in fewer bits, where it learned so; None where it learned beside `_base`.

        Raises HintedError where a library is missing.
        """
        from pydantic import TypeAdapter

        from aimass_compiler.catalog import OneOf
        from aimass_compiler.catalog.adapter import Adapter
        from aimass_compiler.catalog.artifacts._causal_model import CausalModel

        place = trained / self.files[0]
        noted = _noted(place).get("adapter", {})
        adapter = TypeAdapter(Annotated[Adapter, OneOf("adapters")]).validate_python(noted) if noted else None
        loading = adapter.loading("float32") if adapter is not None else {}
        if not loading:
            return None
        base = _base(trained, place)
        return CausalModel.of_adapter(LEARNED, base, place / _ADAPTER, place / _TOKENIZER, loading)

    def merged_engine(self, folder: Path, trained: Path) -> TextEngine:
        """The weights of a package, asked by transformers; of an adapter, together with its base."""
        from aimass_compiler.catalog.artifacts._causal_model import CausalModel

        if self.is_adapter:
            place = trained / self.files[0]
            return CausalModel.of_adapter(
                ADAPTED, _base(trained, place), folder / _ADAPTER, place / _TOKENIZER
            )
        whole = folder / _WHOLE
        weights = whole if whole.is_dir() else folder / conventions.WEIGHTS_FOLDER
        return CausalModel.of_weights(MERGED, weights, weights)

    def packaged_engine(self, folder: Path) -> TextEngine:
        """What of a package is asked here: its graph, or its weights where it has none."""
        from aimass_compiler.catalog.artifacts._causal_model import CausalModel, is_rounded
        from aimass_compiler.catalog.artifacts._genai_engine import GenaiEngine

        graph, weights = folder / conventions.ONNX_FOLDER, folder / conventions.WEIGHTS_FOLDER
        if graph.is_dir():
            return GenaiEngine(BUILT, graph)
        return CausalModel.of_weights(ROUNDED if is_rounded(weights) else MERGED, weights, weights)

    def licence(self, trained: Path) -> str | None:
        """The licence of the base, as its model card or its LICENSE says."""
        from aimass_compiler.catalog.artifacts._weights import licence_of

        return licence_of(_base(trained, trained / self.files[0]))

    def tokenizing(self, trained: Path) -> Tokenizing:
        """The tokenizer and the chat template that it was trained with."""
        from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing

        return Tokenizing.of(trained / self.files[0] / _TOKENIZER)


def _base(trained: Path, place: Path) -> Path:
    """The base's folder, from what training noted."""
    from pydantic import TypeAdapter

    from aimass_compiler.catalog.base_model import AnyBase

    noted = _noted(place)["base"]
    base = TypeAdapter(AnyBase).validate_python({key: noted[key] for key in noted if key != "digest"})
    return base.folder(_root_of(trained))


def _asked_with(task: Task, names: Sequence[str]) -> Task:
    """The task, asked with the columns of a package, which may be of an earlier spec."""
    how = task.conversation
    if how is None or not how.columns or not names:
        return task
    return task.model_copy(update={"conversation": how.model_copy(update={"columns": tuple(names)})})


def _require_trained_base(trained: Path, place: Path) -> None:
    """Raise BaseError where an adapter's base is no longer the one that it was trained on.

    An adapter fits every base of the same shapes, so nothing else would tell.
    """
    from aimass_compiler.catalog.frameworks._chat_tokens import base_digest

    if (place / _FULL).is_dir():
        return
    noted, base = _noted(place)["base"], _base(trained, place)
    found = base_digest(base)
    if found != noted["digest"]:
        shown = next(str(value) for key, value in noted.items() if key != "digest")
        raise BaseError(
            f"{shown} is another base than the adapter was trained on: the digest of its config.json and "
            f"weights is {found[:12]}, and was {noted['digest'][:12]}",
            "bring back that base, or train on this one: `aimass run` does so",
        )


def _require_same_features(features: Path, place: Path) -> None:
    """Raise BaseError where the rows were tokenised for another base than the one that was trained."""
    made, noted = json.loads((features / _FEATURES).read_text(encoding="utf-8")), _noted(place)
    for name, was, now in (
        ("base", made["base"]["digest"], noted["base"]["digest"]),
        ("tokenizer", made["tokenizer"], noted["tokenizer"]),
        ("chat template", made["template"], noted["template"]),
    ):
        if was != now:
            raise BaseError(
                f"the model was trained with another {name} than its features were made with: {now[:12]}, "
                f"and {was[:12]} there",
                "run it again from the features on: `aimass run` does so",
            )


def _noted(place: Path) -> dict[str, Any]:
    noted: dict[str, Any] = json.loads((place / _NOTES).read_text(encoding="utf-8"))
    return noted


def _root_of(folder: Path) -> Path:
    """The project that a folder of results lies in."""
    named = (each.parent for each in folder.resolve().parents if each.name == conventions.ARTIFACTS_FOLDER)
    return next(named, Path.cwd())
