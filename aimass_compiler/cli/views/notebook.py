"""What a notebook shows of a project and of results: tables in HTML, without styles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any


def results_html(
    model: str,
    metrics: Mapping[str, Mapping[str, float]],
    gates: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
) -> str:
    """Metrics by split, gates with their reasons, and the hyperparameters that were chosen."""
    if not metrics:
        call = escape(f"project.run({model!r})")
        return f"<p>{escape(model)} was not evaluated here yet: <code>{call}</code></p>"
    names = list(dict.fromkeys(name for values in metrics.values() for name in values))
    rows = ([name, *(_number(values.get(name)) for values in metrics.values())] for name in names)
    parts = [f"<p><b>{escape(model)}</b></p>", _table(["metric", *metrics], rows)]
    if gates:
        shown = (("✓" if gate.get("passed") else "✗", str(gate.get("reason", ""))) for gate in gates)
        parts.append(_table(["gate", "reason"], shown))
    if parameters:
        parts.append(_table(["chosen", "value"], ((key, str(parameters[key])) for key in parameters)))
    return "".join(parts)


def project_html(name: str, models: Mapping[str, Mapping[str, str]]) -> str:
    """The models, each with the version that runs in each environment."""
    environments = list(dict.fromkeys(name for running in models.values() for name in running))
    rows = ([model, *(running.get(name, "") for name in environments)] for model, running in models.items())
    return f"<p><b>{escape(name)}</b></p>{_table(['model', *environments], rows)}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = "".join(f"<th>{escape(title)}</th>" for title in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table>"


def _number(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, int | float) else ""
