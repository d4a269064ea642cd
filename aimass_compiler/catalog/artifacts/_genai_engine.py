"""A folder of onnxruntime-genai, asked for tokens and their log-probabilities."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.text_engine import TokenRow, Turns

if TYPE_CHECKING:
    import numpy


class GenaiEngine:
    """The engine with the tokenizer and the chat template that lie beside the graph."""

    def __init__(self, name: str, folder: Path) -> None:
        """Load it. Raises RuntimeError where the folder is none of the engine's."""
        import onnxruntime_genai

        self.name = name
        self._model = onnxruntime_genai.Model(str(folder))
        self._tokenizer = onnxruntime_genai.Tokenizer(self._model)
        config = json.loads((folder / "genai_config.json").read_text(encoding="utf-8"))["model"]
        ends = config["eos_token_id"]
        self.stop_ids: tuple[int, ...] = tuple(sorted([ends] if isinstance(ends, int) else ends))
        self._context = int(config["context_length"])

    def prompt_ids(self, turns: Turns) -> tuple[int, ...]:
        rendered = self._tokenizer.apply_chat_template(json.dumps(list(turns)), add_generation_prompt=True)
        return tuple(map(int, self._tokenizer.encode(rendered)))

    def log_probabilities(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        return [self._scored(row) for row in rows]

    def greedy(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        return [self._generated(prompt, most) for prompt in prompts]

    def text(self, ids: Sequence[int]) -> str:
        import numpy

        kept = [each for each in ids if each not in self.stop_ids]
        return str(self._tokenizer.decode(numpy.array(kept, numpy.int32)))

    def _scored(self, row: TokenRow) -> numpy.ndarray:
        import numpy

        ids = (*row.prompt, *row.answer)
        generator = self._begun(ids[:-1], len(ids))  # what follows the last token is not asked
        logits = generator.get_output("logits")[0, len(row.prompt) - 1 :].astype(numpy.float64)
        top = logits.max(axis=-1, keepdims=True)
        chances = logits - top - numpy.log(numpy.exp(logits - top).sum(axis=-1, keepdims=True))
        scored: numpy.ndarray = chances[numpy.arange(len(row.answer)), list(row.answer)]
        return scored

    def _generated(self, prompt: tuple[int, ...], most: int) -> tuple[int, ...]:
        generator = self._begun(prompt, min(self._context, len(prompt) + most))
        while not generator.is_done():
            generator.generate_next_token()
        made = generator.get_sequence(0)[len(prompt) :]
        return tuple(int(each) for each in made if each not in self.stop_ids)

    def _begun(self, ids: Sequence[int], longest: int) -> Any:
        """A generator that has read these ids."""
        import numpy
        import onnxruntime_genai

        parameters = onnxruntime_genai.GeneratorParams(self._model)
        parameters.set_search_options(max_length=longest, do_sample=False)
        generator = onnxruntime_genai.Generator(self._model, parameters)
        generator.append_tokens(numpy.array(ids, numpy.int32))
        return generator
