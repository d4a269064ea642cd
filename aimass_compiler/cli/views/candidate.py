"""A candidate as people judge it: why it was trained, what moved, how it compares, and what may be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aimass_compiler.cli.views.cells import safe

#: The first line of what is said of a candidate, by which it is found again.
MARKER = "<!-- aimass candidate {model} -->"
_MOST = 12


def as_markdown(known: Mapping[str, Any]) -> str:
    """What candidate.json has, for a pull request or an issue; what data says is never markup."""
    parts = [MARKER.format(model=known["model"]), *_why(known), *_rows(known["rows"])]
    parts += [*_compared(known["comparison"]), *_on_requests(known.get("requests") or {})]
    parts += [*_production(known["production"]), *_wrong(known["diagnosis"])]
    return "\n".join(parts) + "\n"


def _why(known: Mapping[str, Any]) -> Iterator[str]:
    yield "### Why it was trained"
    yield ""
    yield from (f"- {_cell(each)}" for each in known["causes"])
    yield ""


def _rows(changes: Mapping[str, Any]) -> Iterator[str]:
    columns = changes.get("columns") or {}
    if not columns:
        return
    rows = changes["rows"]
    yield "### What moved since the released model was trained"
    yield ""
    yield f"{rows['now']:,} training rows, {rows['before']:,} before."
    yield ""
    yield "| column | PSI | missing, before | now | new values |"
    yield "|---|---:|---:|---:|---|"
    ordered = sorted(columns.items(), key=lambda pair: -pair[1]["psi"])
    for name, each in ordered[:_MOST]:
        gaps = each["missing"]
        values = ", ".join(_cell(value) for value in each["new_values"][:3])
        yield f"| {_cell(name)} | {each['psi']:.3f} | {gaps['before']:.1%} | {gaps['now']:.1%} | {values} |"
    if len(ordered) > _MOST:
        yield f"\n{len(ordered) - _MOST} more columns moved less."
    yield ""


def _compared(comparison: Mapping[str, Any]) -> Iterator[str]:
    yield "### Compared with what is released"
    yield ""
    if "obstacle" in comparison or not comparison:
        yield f"It is not compared: {_cell(comparison.get('obstacle', 'it did not come so far'))}."
        yield ""
        return
    yield (
        f"`{comparison['version']}`, which serves in {comparison['environment']}, and the candidate on the "
        f"same {comparison['rows']:,} new rows. Intervals are of the difference, at 95 %."
    )
    yield ""
    yield from _table("metric", comparison["metrics"])
    for name, values in comparison["slices"].items():
        yield f"{comparison['metric']} by {_cell(name)}:"
        yield ""
        yield from _table(name, values)


def _table(head: str, found: Mapping[str, Any]) -> Iterator[str]:
    yield f"| {_cell(head)} | rows | released | candidate | difference | interval |"
    yield "|---|---:|---:|---:|---:|---|"
    for name, each in found.items():
        low, high = each["low"], each["high"]
        interval = "too few rows" if low is None else f"{low:+.3g} to {high:+.3g}"
        better = (each["difference"] > 0) == each["greater_is_better"] and each["difference"]
        mark = "▲" if better else "▼" if each["difference"] else "="
        yield (
            f"| {_cell(name)} | {each['rows']:,} | {each['released']:.4g} | {each['candidate']:.4g} "
            f"| {mark} {each['difference']:+.3g} | {interval} |"
        )
    yield ""


def _on_requests(found: Mapping[str, Any]) -> Iterator[str]:
    """Real requests: those on record, asked again of the candidate, and those that a gateway mirrored."""
    recorded, mirrored = found.get("recorded") or {}, found.get("mirrored") or {}
    if not recorded and not mirrored:
        return
    yield f"### On requests of the last {found['days']} days"
    yield ""
    if "obstacle" in recorded:
        yield f"It was not asked what is on record: {_cell(recorded['obstacle'])}."
        yield ""
    elif recorded:
        asked, rows = recorded["asked"], recorded["rows"]
        yield (
            f"It was asked {asked:,} rows on record in {_cell(found['namespace'])}, which version "
            f"`{recorded['version']}` answered, and answered {rows:,} of them."
        )
        yield from _agreement(recorded)
    for name, each in mirrored.items():
        if each["rows"]:
            yield f"The version that serves beside `{name}` answered copies of {each['rows']:,} of its rows."
            yield from _agreement(each)
            yield from _times(each["seconds"])


def _agreement(found: Mapping[str, Any]) -> Iterator[str]:
    if not found["rows"]:
        return
    share = found["agreement"]
    ends = "" if share["low"] is None else f" (95 % interval: {share['low']:.1%} to {share['high']:.1%})"
    apart = found["apart"]
    yield (
        f"Both say the same of {share['value']:.1%}{ends}; answers are {apart['mean']:.3g} apart on average, "
        f"{apart['p95']:.3g} at the 95th percentile."
    )
    yield ""
    for each in found["changes"]:
        yield f"- {_cell(each['released'])} → {_cell(each['candidate'])}: {each['rows']:,} rows"
    if found["changes"]:
        yield ""
    for name, values in found["slices"].items():
        if values:
            yield f"| {_cell(name)} | rows | the same | apart |"
            yield "|---|---:|---:|---:|"
            for value, each in sorted(values.items(), key=lambda pair: pair[1]["agreement"])[:_MOST]:
                yield f"| {_cell(value)} | {each['rows']:,} | {each['agreement']:.1%} | {each['apart']:.3g} |"
            yield ""


def _times(seconds: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    yield "| answered within | half of the requests | 95 % | 99 % |"
    yield "|---|---:|---:|---:|"
    for who, each in seconds.items():
        yield f"| {who} | " + " | ".join(f"{1000 * each[at]:.3g} ms" for at in ("p50", "p95", "p99")) + " |"
    yield ""


def _production(found: Mapping[str, Any]) -> Iterator[str]:
    metrics = found.get("metrics")
    if not isinstance(metrics, Mapping) or not metrics:
        return
    yield "### What the released model reaches in production"
    yield ""
    for name, value in metrics.items():
        known = f"{value:.4g}" if isinstance(value, int | float) else "not known: too few rows"
        yield f"- {_cell(name)} {known}"
    yield ""


def _wrong(found: Sequence[Mapping[str, str]]) -> Iterator[str]:
    yield "### What may be wrong with it"
    yield ""
    if not found:
        yield "Nothing was found: it neither overfits nor underfits, and no column is broken."
    for each in found:
        yield f"- **{each['kind']}**: {_cell(each['evidence'])}. Usual: {_cell(each['advice'])}."


def _cell(text: object) -> str:
    """A text that is no markup, wherever it comes from, but for the code that we set."""
    found = safe(str(text)).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(found.replace("[", "\\[").replace("@", "@\u200b").split())
