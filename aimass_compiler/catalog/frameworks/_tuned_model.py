"""A language model that was fine-tuned: what it learned, how likely answers are to it, and its files."""

from __future__ import annotations

import errno
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from aimass_compiler.catalog.artifacts._causal_model import loaded_weights
from aimass_compiler.catalog.frameworks._conversation_batch import ConversationBatch
from aimass_compiler.catalog.text_engine import shares_of

if TYPE_CHECKING:
    import numpy
    import torch

    from aimass_compiler.catalog.frameworks._fine_tuning_setup import FineTuningSetup
    from aimass_compiler.catalog.task import Task

_ROWS_AT_ONCE = 16


def loaded(setup: FineTuningSetup, root: Path, precision: str, seed: int) -> Any:
    """The base with what learns. Weights that learn are float32; a base that stays takes less memory."""
    is_narrow = precision == "bf16" and setup.adapter.keeps_base
    kept = "bfloat16" if is_narrow else "float32"
    network = loaded_weights(setup.base.folder(root), kept, setup.adapter.loading(kept))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of names that peft still uses of transformers
        return setup.adapter.applied(network, seed)


class FineTuned(Struct):
    """A language model that has learned; it goes from process to process with what it learned alone."""

    setup: FineTuningSetup
    task: Task
    root: Path
    learned: dict[str, torch.Tensor]
    threads: int = 1

    def predict(self, x: numpy.ndarray) -> numpy.ndarray:
        """How likely the answers are: of classes the shares [N, K] of their likelihoods; of texts [N], with
        `log_probability`, the sum over an answer's tokens, and `tokens`, how many those are."""
        import numpy

        network = self._network()
        rows = x[:, 0] if x.ndim == 4 else x  # noqa: PLR2004  # of pairs, the answer that was liked more
        if self.task.is_classification:
            return shares_of(choice_likelihoods(network, rows, self._tokenizing(), self.task.classes))
        found = numpy.zeros(len(rows), [("log_probability", "f8"), ("tokens", "i8")])
        found["log_probability"] = _likelihoods(network, rows)
        found["tokens"] = (numpy.asarray(rows)[..., 1] > 0).sum(axis=1)
        return found

    def importance(self) -> numpy.ndarray | None:
        return None

    def save(self, folder: Path) -> None:
        """Leave what was learned, the tokenizer, and language_model.json, which says from what."""
        from safetensors import SafetensorError

        from aimass_compiler.catalog.frameworks._chat_tokens import base_digest

        folder.mkdir(parents=True, exist_ok=True)
        tokenizing, base = self._tokenizing(), self.setup.base.folder(self.root)
        try:
            saved = self.setup.adapter.save(self._network(), folder)
        except SafetensorError as error:  # which is no OSError where the disk is full
            raise OSError(errno.EIO, str(error), str(folder)) from error
        tokenizing.tokenizer.save_pretrained(folder / "tokenizer")
        document = {
            "base": {**self.setup.base.model_dump(mode="json"), "digest": base_digest(base)},
            "tokenizer": tokenizing.digest,
            "template": tokenizing.template_digest,
            "sequence_length": self.setup.sequence_length,
            "adapter": {self.setup.adapter.kind: self.setup.adapter.model_dump(mode="json")},
            "learned": saved,
        }
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        (folder / "language_model.json").write_text(text, encoding="utf-8")

    def _tokenizing(self) -> Any:
        from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing

        template = None if self.setup.template is None else self.root / self.setup.template
        return Tokenizing.of(self.setup.base.folder(self.root), template)

    def _network(self) -> Any:
        import torch

        torch.set_num_threads(self.threads)
        network = loaded(self.setup, self.root, "float32", 0)
        network.load_state_dict(self.learned, strict=False)
        return network.eval()


def choice_likelihoods(
    network: Any, rows: numpy.ndarray, tokenizing: Any, classes: tuple[str, ...]
) -> numpy.ndarray:
    """The log-probability of each class, with the token that ends it, after the prompts of rows, [N, K]."""
    import numpy

    answers = tokenizing.choice_ids(classes)
    found = numpy.zeros((len(rows), len(classes)))
    longest = max(map(len, answers))
    for number, answer in enumerate(answers):
        asked = numpy.zeros((len(rows), rows.shape[1] + longest, 2), numpy.int32)
        for place, row in enumerate(numpy.asarray(rows)):
            prompt = row[row[:, 1] < 0, 0]
            end = len(prompt) + len(answer)
            asked[place, :end, 0] = (*prompt, *answer)
            asked[place, :end, 1] = 1
            asked[place, : len(prompt), 1] = -1
        found[:, number] = _likelihoods(network, asked)
    return found


def _likelihoods(network: Any, rows: numpy.ndarray) -> numpy.ndarray:
    """The sum of the log-probabilities of a row's learned tokens, float64 [N]."""
    import numpy
    import torch

    from aimass_compiler.catalog.examples import Examples

    examples = Examples(rows, numpy.zeros(len(rows)))
    found = []
    with torch.no_grad():
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            places = numpy.arange(start, min(start + _ROWS_AT_ONCE, len(rows)))
            batch = ConversationBatch.of(examples, places, network.device.type)
            found.append(batch.log_probabilities(network).double().sum(dim=1).cpu().numpy())
    return numpy.concatenate(found)
