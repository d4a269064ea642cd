"""vLLM as an engine that a parity certificate can ask, over its API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.catalog.text_engine import TokenRow, Turns

if TYPE_CHECKING:
    import numpy

    from scripts.vllm.server import Engine


class VllmEngine:
    """What one model of a running server answers."""

    name = "vLLM"

    def __init__(self, engine: Engine, model: str, weights: Path) -> None:
        self._engine = engine
        self._model = model
        self.stop_ids = _stop_ids(weights)

    def prompt_ids(self, turns: Turns) -> tuple[int, ...]:
        found = self._engine.answer(
            "/tokenize", model=self._model, messages=list(turns), add_generation_prompt=True
        )
        return tuple(found["tokens"])

    def log_probabilities(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        return [self._scored(row) for row in rows]

    def greedy(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        return [self._chosen(prompt, most) for prompt in prompts]

    def text(self, ids: Sequence[int]) -> str:
        return str(self._engine.answer("/detokenize", model=self._model, tokens=list(ids))["prompt"])

    def _scored(self, row: TokenRow) -> numpy.ndarray:
        """An answer is scored as the end of a prompt; the one token behind it is not looked at."""
        import numpy

        ids = [*row.prompt, *row.answer]
        found = self._engine.answer(
            "/v1/completions", model=self._model, prompt=ids, max_tokens=1, temperature=0, prompt_logprobs=0
        )
        scored = found["choices"][0]["prompt_logprobs"]
        behind = zip(row.answer, scored[len(row.prompt) :], strict=True)
        return numpy.array([each[str(token)]["logprob"] for token, each in behind], numpy.float64)

    def _chosen(self, prompt: Sequence[int], most: int) -> tuple[int, ...]:
        found = self._engine.answer(
            "/v1/completions",
            model=self._model,
            prompt=list(prompt),
            max_tokens=most,
            temperature=0,
            return_token_ids=True,
        )
        ids = found["choices"][0]["token_ids"]
        end = next((place for place, each in enumerate(ids) if each in self.stop_ids), len(ids))
        return tuple(ids[:end])


def _stop_ids(weights: Path) -> tuple[int, ...]:
    """What the engine reads of a package's folder: it ends answers on these, whatever the template says."""
    ends = json.loads((weights / "generation_config.json").read_text()).get("eos_token_id")
    return tuple(sorted({ends} if isinstance(ends, int) else set(ends or ())))
