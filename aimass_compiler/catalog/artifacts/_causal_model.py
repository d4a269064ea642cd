"""A causal language model of transformers, with or without an adapter of peft, asked in batches."""

from __future__ import annotations

import contextlib
import io
import json
import warnings
from collections.abc import Iterator, Mapping, Sequence
from logging import ERROR, getLogger
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
from aimass_compiler.catalog.text_engine import TokenRow, Turns

if TYPE_CHECKING:
    import numpy
    import torch

#: Tokens of a batch, padding included: some hundred megabytes of activations for models of a GB.
_TOKENS_AT_ONCE = 4096
_BITS = "bitsandbytes.backends.cpu.ops"
#: What no base may bring: code of its own, and weights that run some when they are read.
SAFE = {"trust_remote_code": False, "use_safetensors": True, "local_files_only": True}


class CausalModel:
    """The model in float32, quantised weights as they are served; with its tokenizer, on its device."""

    def __init__(self, name: str, model: Any, tokenizing: Tokenizing, stop_ids: Sequence[int]) -> None:
        self.name = name
        self.stop_ids = tuple(sorted(stop_ids))
        self._model = model.eval()
        self._tokenizing = tokenizing

    @classmethod
    def of_weights(cls, name: str, folder: Path, tokens: Path) -> Self:
        """A folder of transformers, with the tokenizer of `tokens`."""
        model = rounded_weights(folder) if is_rounded(folder) else loaded_weights(folder)
        tokenizing = Tokenizing.of(tokens)
        return cls(name, model, tokenizing, stop_ids_of(model.generation_config, tokenizing))

    @classmethod
    def of_adapter(
        cls, name: str, base: Path, adapter: Path, tokens: Path, loading: Mapping[str, Any] | None = None
    ) -> Self:
        """A base with an adapter beside it, as training left them; the tokenizer is that of `tokens`.

        `loading` has the base in fewer bits.
        """
        model = loaded_weights(base, quantization=loading)
        tokenizing = Tokenizing.of(tokens)
        stop_ids = stop_ids_of(model.generation_config, tokenizing)
        return cls(name, with_adapter(model, adapter), tokenizing, stop_ids)

    def prompt_ids(self, turns: Turns) -> tuple[int, ...]:
        return self._tokenizing.prompt_ids(turns)

    def log_probabilities(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        import numpy

        found = [numpy.empty(0)] * len(rows)
        for places in _batches([len(row.prompt) + len(row.answer) for row in rows]):
            scored = self._scored([rows[place] for place in places])
            for place, values in zip(places, scored, strict=True):
                found[place] = values
        return found

    def greedy(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        found: list[tuple[int, ...]] = [()] * len(prompts)
        for places in _batches([len(prompt) + most for prompt in prompts]):
            answered = self._generated([prompts[place] for place in places], most)
            for place, ids in zip(places, answered, strict=True):
                found[place] = ids
        return found

    def text(self, ids: Sequence[int]) -> str:
        return str(self._tokenizing.tokenizer.decode(list(ids), skip_special_tokens=True))

    def _scored(self, rows: Sequence[TokenRow]) -> list[numpy.ndarray]:
        """The log-probabilities of a batch. It is padded on the left, so that all answers end at one place,
        and only their logits are computed: of a large vocabulary, those of the prompts need gigabytes."""
        import torch

        ids, mask = self._padded([(*row.prompt, *row.answer) for row in rows])
        longest = max(len(row.answer) for row in rows)
        with torch.inference_mode():
            logits = self._model(
                input_ids=ids, attention_mask=mask, position_ids=_positions(mask), logits_to_keep=longest + 1
            ).logits[:, -longest - 1 : -1]
            wanted = ids[:, -longest:]
            chances = torch.log_softmax(logits.double(), dim=-1).gather(-1, wanted[..., None])[..., 0]
        return [
            chance[longest - len(row.answer) :].cpu().numpy()
            for row, chance in zip(rows, chances, strict=True)
        ]

    def _generated(self, prompts: Sequence[tuple[int, ...]], most: int) -> list[tuple[int, ...]]:
        import torch
        from transformers import GenerationConfig

        ids, mask = self._padded(prompts)
        # Nothing of the base's own settings: a penalty there would make the answers of engines differ.
        plain = GenerationConfig(
            do_sample=False, max_new_tokens=most, eos_token_id=list(self.stop_ids), pad_token_id=self._padding
        )
        with torch.inference_mode():
            made = self._model.generate(input_ids=ids, attention_mask=mask, generation_config=plain)
        return [self._ended(row) for row in made[:, ids.shape[1] :].tolist()]

    def _ended(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The ids before the first that ends an answer."""
        end = next((place for place, each in enumerate(ids) if each in self.stop_ids), len(ids))
        return tuple(ids[:end])

    @property
    def _padding(self) -> int:
        return self.stop_ids[0] if self.stop_ids else 0

    def _padded(self, rows: Sequence[tuple[int, ...]]) -> tuple[torch.Tensor, torch.Tensor]:
        """Ids [N, L] and which of them count [N, L], the shorter rows padded on the left."""
        import torch

        longest = max(map(len, rows))
        ids = torch.full((len(rows), longest), self._padding)
        mask = torch.zeros((len(rows), longest), dtype=torch.long)
        for place, row in enumerate(rows):
            ids[place, longest - len(row) :] = torch.tensor(row)
            mask[place, longest - len(row) :] = 1
        return ids.to(self._model.device), mask.to(self._model.device)


def loaded_weights(
    folder: Path, precision: str = "float32", quantization: Mapping[str, Any] | None = None
) -> Any:
    """A causal language model, in fewer bits where the options say so. Raises OSError, ValueError."""
    import torch
    from transformers import AutoModelForCausalLM
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    getLogger(_BITS).setLevel(ERROR)  # peft imports it, and it misses faster kernels
    told = {"dtype": getattr(torch, precision), **SAFE, **(quantization or {})}
    return AutoModelForCausalLM.from_pretrained(str(folder), **told)


def is_rounded(folder: Path) -> bool:
    """Whether the weights of a folder were quantised."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return "quantization_config" in config


def rounded_weights(folder: Path) -> Any:
    """Quantised weights, whose activations are rounded, too, in the 16 bits that vLLM computes with.

    Raises OSError, ValueError.
    """
    with contextlib.redirect_stderr(io.StringIO()):  # bars of compressed-tensors
        model = loaded_weights(folder, "bfloat16")
        model.hf_quantizer.compressor.decompress_model(model)
    return model


def with_adapter(model: Any, adapter: Path) -> Any:
    """A base with what was learned beside it."""
    from peft import PeftModel

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of names that peft still uses of transformers
        return PeftModel.from_pretrained(model, str(adapter))


def stop_ids_of(generation: Any, tokenizing: Tokenizing) -> tuple[int, ...]:
    """What ends an answer: the base's end ids, the tokenizer's, and what the template ends an answer with.

    Where the last is missing in a generation config, engines go on behind the answer until the context ends.
    """
    ends = generation.eos_token_id
    found = {ends} if isinstance(ends, int) else set(ends or ())
    found |= {tokenizing.tokenizer.eos_token_id, _template_end(tokenizing)} - {None}
    return tuple(sorted(map(int, found)))


def _template_end(tokenizing: Tokenizing) -> int | None:
    """The special token that follows an answer in the chat template, if one does."""
    (answer,) = tokenizing.choice_ids(["b"])
    return next((each for each in answer if each in tokenizing.tokenizer.all_special_ids), None)


def _positions(mask: torch.Tensor) -> torch.Tensor:
    return (mask.cumsum(-1) - 1).clamp(min=0)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Places of rows of similar lengths, the longest first, as many as fit into a batch."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    start = 0
    while start < len(order):
        count = max(1, _TOKENS_AT_ONCE // max(1, lengths[order[start]]))
        yield order[start : start + count]
        start += count
