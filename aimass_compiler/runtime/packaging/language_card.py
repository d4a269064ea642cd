"""The card of a language model: what it is made of, how well it answers, and that its forms agree."""

from __future__ import annotations

from importlib import resources
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.metric import metric_title
from aimass_compiler.conventions import SPLITS
from aimass_compiler.runtime.packaging.card import environment_of_cards, json_block, shown_number, slices_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from aimass_compiler.catalog.task import Task

_TEMPLATE = "language_model_card.md.jinja"


def language_card(
    signature: Mapping[str, Any],
    task: Task,
    report: Mapping[str, Any],
    best: Mapping[str, Any],
    features: Mapping[str, Any],
    parity: Mapping[str, Any],
    tested_rows: int,
) -> str:
    """The whole card as Markdown; `report` is what evaluate wrote, `best` what train did, `features` what
    became of the rows."""
    source = resources.files(__package__).joinpath(_TEMPLATE).read_text(encoding="utf-8")
    quantized = report.get("quantized", {})
    return environment_of_cards().from_string(source).render(
        signature=signature,
        task=task,
        base=_base_name(signature["base"]),
        licence=features.get("licence"),
        counts=features["counts"],
        leaks=features["leaks"],
        parameters=dict(_flat(best["parameters"])),
        splits=SPLITS,
        metrics=[
            (metric_title(name, task), [shown_number(report[split][name]) for split in SPLITS], name)
            for name in report["test"]
        ],
        quantized={name: shown_number(value) for name, value in quantized.get("test", {}).items()},
        slices=list(slices_of(report)),
        gates=report["gates"],
        fit=report["fit"],
        parity=parity,
        tested_rows=f"{tested_rows:,}",
        request=json_block({"model": signature["model"], "messages": _messages(signature["example"])}),
    )  # fmt: skip


def _base_name(base: Mapping[str, Any]) -> str:
    """The base as people name it."""
    named = {key: value for key, value in base.items() if key != "digest"}
    return " at ".join(str(value) for value in named.values())


def _flat(parameters: Mapping[str, Any], start: str = "") -> Iterator[tuple[str, Any]]:
    """The parameters, each by the keys that lead to it."""
    for name, value in parameters.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{start}{name}.")
        else:
            yield f"{start}{name}", value


def _messages(example: Mapping[str, Any]) -> list[dict[str, str]]:
    from aimass_compiler.catalog.turns import prompt_of

    return list(prompt_of(example))
