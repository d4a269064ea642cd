"""What is wrong with a model that was trained: too much learnt, too little, by chance, or from broken rows.

From what stages leave: the verdict of the fit, the spread over seeds and folds, and how the rows moved since
the run before. Each finding has its evidence, so that people can judge it, and what is usually done about it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["overfits", "underfits", "unstable", "broken data"]
#: A spread of this share of the skill is chance, not learning.
_UNSTABLE_SHARE = 0.1
_BROKEN_GAPS, _LARGE_SHIFT = 0.05, 0.25
#: Of the cumulative shares at deciles: hardly a value is where values were.
_APART = 0.8
_SHOWN = 5
_ADVICE = {
    "overfits": "more rows, fewer features, or more regularization (`on_failure.adjust: [regularization]`)",
    "underfits": "columns that say more of the target, or more capacity (`on_failure.adjust: [capacity]`)",
    "unstable": "more rows, a longer training, or a smaller model; judge by several seeds",
    "broken data": "look at where these columns come from before anything is trained on them",
}


class Diagnosis(Struct, frozen=True):
    """One thing that is wrong, and how that is known."""

    kind: Kind
    evidence: str

    @property
    def advice(self) -> str:
        """What is usually done about it."""
        return _ADVICE[self.kind]

    def document(self) -> dict[str, str]:
        """It as JSON has it."""
        return {"kind": self.kind, "evidence": self.evidence, "advice": self.advice}


def diagnoses(
    verdict: Mapping[str, Any],
    metrics: Mapping[str, Any],
    changes: Mapping[str, Any],
    comparison: Mapping[str, Any] | None = None,
) -> list[Diagnosis]:
    """From verdict.json, metrics.json, changes.json and compare/report.json, as far as they are there."""
    of_target = [*_of_target(verdict, comparison or {})]
    return [*_of_fit(verdict), *_of_seeds(verdict, metrics), *_of_rows(changes), *of_target]


def _of_fit(verdict: Mapping[str, Any]) -> Iterator[Diagnosis]:
    fit = verdict.get("fit") or {}
    if fit.get("verdict") in ("overfits", "underfits"):
        yield Diagnosis(fit["verdict"], str(fit.get("reason", "")))


def _of_seeds(verdict: Mapping[str, Any], metrics: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """The same rows and recipe give models that differ by more than a tenth of what was learnt."""
    fit = verdict.get("fit") or {}
    name, guess = fit.get("metric"), fit.get("baseline")
    for where, found in (
        ("with other seeds", ((metrics.get("seeds") or {}).get("validation") or {}).get(name)),
        ("over the folds", (metrics.get("cross_validation") or {}).get(name)),
    ):
        mean, std = ((found or {}).get(key) for key in ("mean", "std"))
        if mean is None or not std or guess is None:
            continue
        gained = abs(mean - guess)
        if std > _UNSTABLE_SHARE * gained:
            text = (
                f"{name} {where} is {mean:.4g} ± {std:.2g}: the spread is {std / gained:.0%} of what it is "
                f"better than a guess, which reaches {guess:.4g}"
                if gained
                else f"{name} {where} is {mean:.4g} ± {std:.2g}, no better than a guess"
            )
            yield Diagnosis("unstable", text)


def _of_target(verdict: Mapping[str, Any], comparison: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """Rows whose target neither the candidate predicts nor the released model any more."""
    fit = verdict.get("fit") or {}
    name, guess = fit.get("metric"), fit.get("baseline")
    released = ((comparison.get("metrics") or {}).get(name) or {}).get("released")
    if fit.get("verdict") != "underfits" or released is None or not guess:
        return
    if abs(released - guess) <= _UNSTABLE_SHARE * abs(guess):
        text = (
            f"the released model, too, is no better than a guess on these rows ({name} {released:.4g}, a "
            f"guess {guess:.4g}), so the target or what it is joined by may be wrong"
        )
        yield Diagnosis("broken data", text)


def _of_rows(changes: Mapping[str, Any]) -> Iterator[Diagnosis]:
    """Columns that lost their values, lie elsewhere, or hold names that were never there.

    That is more than a population moves.
    """
    broken = []
    for name, each in (changes.get("columns") or {}).items():
        gaps = each.get("missing") or {}
        before, now = (float(gaps.get(when) or 0.0) for when in ("before", "now"))
        if now - before >= _BROKEN_GAPS and now > 2 * before:
            broken.append(f"`{name}` is missing in {now:.1%} of the rows, {before:.1%} before")
        elif (each.get("ks") or 0.0) >= _APART:
            apart = f"lies apart from what it was (Kolmogorov-Smirnov {each['ks']:.2g}), as with another unit"
            broken.append(f"`{name}` {apart}")
        elif each.get("new_values") and (each.get("psi") or 0.0) >= _LARGE_SHIFT:
            names = ", ".join(f"`{value}`" for value in each["new_values"][:_SHOWN])
            broken.append(f"`{name}` has values that there never were: {names}")
    if broken:
        more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
        yield Diagnosis("broken data", "; ".join(broken[:_SHOWN]) + more)
