"""Conversations as tokens: one place for training, evaluation and packaging."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from aimass_compiler import conventions
from aimass_compiler.catalog.base_config import read_base
from aimass_compiler.catalog.base_model import BaseError
from aimass_compiler.catalog.conversation import ANSWERING
from aimass_compiler.diagnostics import first_line

if TYPE_CHECKING:
    from aimass_compiler.catalog.turns import Turns

_PROBE = "aimass probe of {}"
#: What of a folder says how texts become tokens.
TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "merges.txt")


class Tokenizing:
    """A tokenizer with its chat template."""

    def __init__(self, tokenizer: Any, folder: Path) -> None:
        self.tokenizer = tokenizer
        self._folder = folder

    @classmethod
    def of(cls, folder: Path, template: Path | None = None) -> Self:
        """The tokenizer of a base, with a template in the place of its own. Raises BaseError."""
        from transformers import AutoTokenizer

        try:
            found = AutoTokenizer.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
        except (OSError, ValueError) as error:
            reason = first_line(error)
            raise BaseError(f"the base has no tokenizer that can be read: {reason}") from None
        if template is not None:
            if not template.is_file():
                raise BaseError(f"there is no file {template.name}, which `template` names")
            found.chat_template = template.read_text(encoding="utf-8")
        if not found.chat_template:
            raise BaseError(
                "the base has no chat template, so nothing says how a prompt is written",
                "write one with `template: models/chat.jinja`",
            )
        return cls(found, folder)

    @property
    def digest(self) -> str:
        """The SHA-256 of the files that say how texts become tokens."""
        return digest_of(path for name in TOKENIZER_FILES if (path := self._folder / name).is_file())

    @property
    def template_digest(self) -> str:
        """The SHA-256 of the chat template."""
        return hashlib.sha256(str(self.tokenizer.chat_template).encode()).hexdigest()

    @property
    def vocabulary(self) -> int:
        """One more than the largest token."""
        return int(max(self.tokenizer.get_vocab().values())) + 1

    def prompt_ids(self, turns: Sequence[dict[str, str]]) -> tuple[int, ...]:
        """The tokens of what is asked, with what begins an answer behind them."""
        return self._ids(self._rendered(turns, asks=True))

    def answer_ids(self, turns: Sequence[dict[str, str]], answer: str) -> tuple[int, ...]:
        """The tokens that follow the prompt, up to the one that ends the answer.

        Raises BaseError where the template writes the prompt in another way once an answer follows.
        """
        prompt = self._rendered(turns, asks=True)
        whole = self._rendered([*turns, {"role": ANSWERING, "content": answer}], asks=False)
        if not whole.startswith(prompt):
            raise BaseError(
                "the chat template writes a prompt in another way once it is answered, so nothing says which "
                "tokens are the answer",
                "write a `template` whose `add_generation_prompt` only adds what begins an answer",
            )
        ids = self._ids(whole[len(prompt) :])
        special = set(self.tokenizer.all_special_ids)
        end = next((place for place, each in enumerate(ids) if each in special), len(ids) - 1)
        return ids[: end + 1]

    def choice_ids(self, choices: Sequence[str]) -> list[tuple[int, ...]]:
        """The tokens of each choice as the answer to any question."""
        question = ({"role": "user", "content": "?"},)
        return [self.answer_ids(question, choice) for choice in choices]

    def encoded(self, conversation: Turns) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The tokens of the prompt and of the answer."""
        turns = list(conversation.turns)
        return self.prompt_ids(turns), self.answer_ids(turns, conversation.answer)

    def require_roles(self, roles: Iterable[str]) -> None:
        """Raise BaseError where the template refuses or drops what one of these roles says."""
        wanted = sorted(set(roles), key=conventions.CHAT_ROLES.index)
        turns = [{"role": role, "content": _PROBE.format(role)} for role in wanted]
        rendered = self._rendered(turns, asks=False)
        for turn in turns:
            if turn["content"] not in rendered:
                raise BaseError(
                    f"the chat template drops what `{turn['role']}` says",
                    "write a `template` that has every role of the rows, or leave such turns out",
                )

    def _rendered(self, turns: Sequence[dict[str, str]], *, asks: bool) -> str:
        from jinja2 import TemplateError

        try:
            return str(
                self.tokenizer.apply_chat_template(list(turns), add_generation_prompt=asks, tokenize=False)
            )
        except TemplateError as error:
            raise BaseError(
                f"the chat template refuses a conversation: {error}",
                "write a `template` that takes the roles of the rows in their order",
            ) from None

    def _ids(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)


def digest_of(paths: Iterable[Path]) -> str:
    """The SHA-256 of the bytes of files, one after the other."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()


def base_digest(folder: Path) -> str:
    """The SHA-256 of a base: its configuration and weights."""
    return digest_of(sorted([folder / "config.json", *folder.glob("*.safetensors")]))


def require_sound(folder: Path) -> None:
    """Raise BaseError for a base that would run code, has no safetensors or is of no known architecture."""
    found = read_base(folder)
    if found is None:
        raise BaseError(f"the base has no config.json in {folder.name}/", "name the folder of a base")
    if any("auto_map" in each for each in found.runnable):
        raise BaseError(
            "the base brings code (`auto_map` in its config.json), which is never run",
            "choose a base of an architecture that transformers has",
        )
    if not found.has_weights:
        pickle = next(iter(found.runnable), "")
        has = f"only {pickle}, a pickle, which runs code when it is read" if pickle else "no weights at all"
        raise BaseError(
            f"the base has no safetensors: {has}",
            "where it may be run, convert it: `AutoModelForCausalLM.from_pretrained(…).save_pretrained(…)`",
        )
    if found.problem:
        raise BaseError(found.problem, "choose a causal language model that transformers has")


def require_fitting(folder: Path, tokenizing: Tokenizing, length: int) -> None:
    """Raise BaseError where the tokenizer has tokens that the base has not, or rows are too long for it."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    known = config.get("vocab_size") or config.get("text_config", {}).get("vocab_size")
    if known is not None and tokenizing.vocabulary > known:
        raise BaseError(
            f"the tokenizer has {tokenizing.vocabulary:,} tokens and the base {known:,}: they are not of one",
            "take the tokenizer's files from where the base's weights are from",
        )
    context = config.get("max_position_embeddings")
    if context is not None and length > context:
        raise BaseError(
            f"`sequence_length` is {length:,}, and the base reads {context:,} tokens at most",
            f"write `sequence_length: {context}` or less",
        )
