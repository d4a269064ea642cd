"""The parity certificate: on rows of the data, every form of a language model reads and answers the same.

A model that was fine-tuned is merged, quantised and served by another engine than trained it. Each step has
its ways to answer otherwise: another chat template, a missing end id, weights of less precision. Forms are
compared by prompt tokens, by the ids that end an answer, by the log-probability of each token of the right
answers, and by the tokens that each chooses itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import numpy

from aimass_compiler import conventions
from aimass_compiler.catalog.text_engine import TokenRow

if TYPE_CHECKING:
    from aimass_compiler.catalog.text_engine import TextEngine, Turns

#: How many tokens each form chooses itself: differences show early, and a long answer costs all engines.
_CHOSEN = 32
#: How many differences are reported; the others are counted.
_TOLD = 5


@dataclass(frozen=True)
class CertifiedRow:
    """A row that all forms are asked about."""

    number: int
    """Which row of the test split it is, from 0."""
    turns: Turns
    answer: tuple[int, ...]
    """The right answer as the training stack's token ids, with the one that ends it."""


@dataclass(frozen=True)
class Form:
    """One form of the model, what it is held against, and how near it must be."""

    engine: TextEngine
    largest: float | None = None
    """How far a log-probability may be from that of the form before it; None where weights lost precision."""
    mean: float | None = None
    """How far log-probabilities may be on average, where weights lost precision."""


@dataclass(frozen=True)
class FormResult:
    """What was found of one form."""

    name: str
    against: str
    stop_ids: tuple[int, ...]
    largest: float
    mean: float
    allowed: float
    is_of_mean: bool
    """Whether that is allowed on average, and not for each token."""
    same_choices: int
    """Of how many rows it chose the same tokens."""
    ties: int
    """Of how many rows it chose another token that is as likely, within what is allowed."""
    problems: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """What parity.json has of it; numbers in as many digits as another machine finds, too."""
        return {
            "form": self.name,
            "against": self.against,
            "prompt_tokens": "equal",
            "stop_ids": list(self.stop_ids),
            "log_probability": {
                "largest": _rounded(self.largest),
                "mean": _rounded(self.mean),
                "allowed": self.allowed,
                "allowed_for": "the mean" if self.is_of_mean else "each token",
            },
            "chosen_tokens": {"same": self.same_choices, "as_likely": self.ties},
        }


@dataclass(frozen=True)
class Certificate:
    """What was compared, and what came of it."""

    reference: str
    rows: int
    prompt_tokens: int
    answer_tokens: int
    forms: tuple[FormResult, ...]
    unmeasured: Mapping[str, str] = field(default_factory=dict)
    """Forms that could not be asked here, by their names, with the reason."""

    @property
    def problems(self) -> list[str]:
        """What does not agree, in words; empty where the certificate holds."""
        return [problem for form in self.forms for problem in form.problems]

    def document(self) -> dict[str, Any]:
        """The content of parity.json."""
        return {
            "format": conventions.PARITY_FORMAT,
            "reference": self.reference,
            "rows": self.rows,
            "tokens": {"prompts": self.prompt_tokens, "answers": self.answer_tokens},
            "forms": [form.document() for form in self.forms],
            "unmeasured": dict(self.unmeasured),
            "statement": self.statement,
        }

    @property
    def statement(self) -> str:
        """The certificate in a sentence or more."""
        tokens = f"{self.prompt_tokens:,} prompt and {self.answer_tokens:,} answer tokens"
        said = [_said(form, self.rows) for form in self.forms]
        said += [f"{name} was not asked: {reason}" for name, reason in self.unmeasured.items()]
        return f"On {self.rows:,} rows ({tokens}): " + "; ".join(said) + "."


def certify(
    rows: Sequence[CertifiedRow],
    reference: TextEngine,
    forms: Sequence[Form],
    unmeasured: Mapping[str, str] | None = None,
) -> Certificate:
    """Ask every form about these rows, each held against the one before it, the first against `reference`."""
    prompts = [reference.prompt_ids(row.turns) for row in rows]
    asked = [TokenRow(prompt, row.answer) for prompt, row in zip(prompts, rows, strict=True)]
    before = _Asked.of(reference, asked)
    results = []
    for form in forms:
        found, result = _compare(form, before, rows, asked)
        results.append(result)
        if found is None:
            break
        before = found
    return Certificate(
        reference.name,
        len(rows),
        sum(map(len, prompts)),
        sum(len(row.answer) for row in rows),
        tuple(results),
        dict(unmeasured or {}),
    )


@dataclass(frozen=True)
class _Asked:
    """One form with its answers."""

    engine: TextEngine
    scored: list[numpy.ndarray]
    chosen: list[tuple[int, ...]]

    @classmethod
    def of(cls, engine: TextEngine, asked: Sequence[TokenRow]) -> _Asked:
        chosen = engine.greedy([row.prompt for row in asked], _CHOSEN)
        return cls(engine, engine.log_probabilities(asked), chosen)


def _compare(
    form: Form, before: _Asked, rows: Sequence[CertifiedRow], asked: Sequence[TokenRow]
) -> tuple[_Asked | None, FormResult]:
    """One form against the one before it. It is asked no more where it already reads other tokens."""
    allowed = form.largest if form.largest is not None else form.mean or 0.0
    read = list(_read_otherwise(form.engine, before.engine, rows, asked))
    names, is_of_mean = (form.engine.name, before.engine.name), form.largest is None
    nothing = FormResult(*names, form.engine.stop_ids, numpy.inf, numpy.inf, allowed, is_of_mean, 0, 0, ())
    if read:
        return None, replace(nothing, problems=_told(read))
    found = _Asked.of(form.engine, asked)
    apart = [numpy.abs(one - other) for one, other in zip(found.scored, before.scored, strict=True)]
    everywhere = numpy.concatenate(apart)
    largest, mean = float(everywhere.max()), float(everywhere.mean())
    problems = list(_unlikely(form, before.engine, rows, apart, allowed))
    same, ties, others = _choices(form, before, found, rows, asked)
    measured = replace(nothing, largest=largest, mean=mean, same_choices=same, ties=ties)
    return found, replace(measured, problems=_told([*problems, *(() if is_of_mean else others)]))


def _told(problems: Sequence[str]) -> tuple[str, ...]:
    more = len(problems) - _TOLD
    return (*problems[:_TOLD], *([f"… and {more:,} more"] if more > 0 else []))


def _read_otherwise(
    engine: TextEngine, before: TextEngine, rows: Sequence[CertifiedRow], asked: Sequence[TokenRow]
) -> Iterator[str]:
    """Where a form ends answers on other ids, or reads a prompt as other tokens."""
    if engine.stop_ids != before.stop_ids:
        ours, theirs = (", ".join(map(str, each.stop_ids)) or "nothing" for each in (engine, before))
        yield f"{engine.name} ends answers on {ours}, but {before.name} on {theirs}"
    for row, wanted in zip(rows, asked, strict=True):
        found = engine.prompt_ids(row.turns)
        if found != wanted.prompt:
            yield _first_difference(engine, before, row.number, found, wanted.prompt)


def _first_difference(
    engine: TextEngine, before: TextEngine, row: int, found: tuple[int, ...], wanted: tuple[int, ...]
) -> str:
    pairs = enumerate(zip_longest(found, wanted))
    place, (here, there) = next((place, pair) for place, pair in pairs if pair[0] != pair[1])
    return (
        f"{engine.name} reads row {row} as other tokens: token {place} of the prompt is "
        f"{_token(engine, here)}, but {_token(before, there)} for {before.name}"
    )


def _token(engine: TextEngine, token: int | None) -> str:
    return "the end" if token is None else f"{token} (`{engine.text([token])}`)"


def _unlikely(
    form: Form,
    before: TextEngine,
    rows: Sequence[CertifiedRow],
    apart: Sequence[numpy.ndarray],
    allowed: float,
) -> Iterator[str]:
    """Where log-probabilities are farther apart than is allowed: each row, or all of them on average."""
    if form.largest is None:
        mean = float(numpy.concatenate(apart).mean())
        if not mean <= allowed:
            yield (
                f"{form.engine.name} is {mean:.2g} away from {before.name} in log-probability, "
                f"on average over all answers' tokens; {allowed:g} is allowed"
            )
        return
    for row, values in zip(rows, apart, strict=True):
        place = int(values.argmax())
        if not values[place] <= allowed:  # NaN is no agreement
            token = _token(before, row.answer[place])
            yield (
                f"{form.engine.name} gives token {place} of the answer to row {row.number}, {token}, "
                f"a log-probability {values[place]:.2g} away from that of {before.name}; "
                f"{allowed:g} is allowed"
            )


def _choices(
    form: Form, before: _Asked, found: _Asked, rows: Sequence[CertifiedRow], asked: Sequence[TokenRow]
) -> tuple[int, int, list[str]]:
    """Rows of the same chosen tokens, those of others that are as likely, and those of others in words."""
    same, ties, problems = 0, 0, []
    for row, read, ours, theirs in zip(rows, asked, found.chosen, before.chosen, strict=True):
        if ours == theirs:
            same += 1
            continue
        place = next(at for at, pair in enumerate(zip_longest(ours, theirs)) if pair[0] != pair[1])
        here, there = (ids[place] if place < len(ids) else None for ids in (ours, theirs))
        prefix = (*read.prompt, *theirs[:place])
        gap = abs(_likely(before.engine, prefix, there) - _likely(before.engine, prefix, here))
        if form.largest is not None and gap <= 2 * form.largest:  # each side may be off by as much
            ties += 1
            continue
        problems.append(
            f"{found.engine.name} answers row {row.number} otherwise: token {place} is "
            f"{_token(found.engine, here)}, but {_token(before.engine, there)} for {before.engine.name}, "
            f"which finds it {gap:.2g} likelier in log-probability"
        )
    return same, ties, problems


def _likely(engine: TextEngine, prefix: tuple[int, ...], token: int | None) -> float:
    """The log-probability of a token behind a prefix, None being the likeliest that ends an answer."""
    wanted = engine.stop_ids if token is None else (token,)
    return max(
        float(each[0]) for each in engine.log_probabilities([TokenRow(prefix, (end,)) for end in wanted])
    )


def _said(form: FormResult, rows: int) -> str:
    start = f"{form.name}, held against {form.against}"
    if form.problems:
        return f"{start}, answers otherwise"
    chosen = "the same chosen tokens"
    if form.same_choices != rows:
        chosen += f" in {form.same_choices:,} answers"
        chosen += f" and tokens as likely in {form.ties:,}" if form.ties else ""
    largest, mean = f"{_rounded(form.largest):g} apart at most", f"{_rounded(form.mean):g} on average"
    allowed = f" ({form.allowed:g} allowed)"
    apart = f"{mean}{allowed}, {largest}" if form.is_of_mean else f"{largest}{allowed}, {mean}"
    return f"{start}: the same prompt tokens and end ids, {chosen}, log-probabilities {apart}"


def _rounded(value: float) -> float:
    return float(f"{value:.1g}")
