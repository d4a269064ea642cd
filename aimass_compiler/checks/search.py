"""A search has something to search, in a way that its algorithm can."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.quantities import Choice
from aimass_compiler.checks._example import Example
from aimass_compiler.diagnostics import Assign, Explanation, Finding, Fix, Path, Related, Remove, Severity
from aimass_compiler.pipeline import search_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.training import Search

NEEDS = ("model", "search", "training")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM246",
        "a grid cannot try everything between two ends",
        "A grid tries every combination of what is listed. Between the ends of `uniform` and `loguniform` "
        "there is no end of values: list some with `choice`, or let `tpe` or `random` draw.",
    ),
    Explanation(
        "AM247",
        "there is nothing to search",
        "The search tries values of the parameters that are written as ranges. Without a range the model is"
        " trained once, whatever `search` says.",
    ),
    Explanation(
        "AM248",
        "there are not as many combinations as trials",
        "Each combination of the choices is tried once, and then the search ends, whatever `trials` says.",
    ),
    Explanation(
        "AM276",
        "a range has one value",
        "Between equal ends, or in a list of one, there is nothing to choose. Write the value itself, or the "
        "range that was meant.",
    ),
    Explanation(
        "AM277",
        "a choice lists a value twice",
        "The value is tried twice as often as the others, and a grid tries it twice. Mostly another value "
        "was meant.",
    ),
    Explanation(
        "AM278",
        "more trials would run at once than there are",
        "On a cluster each of them asks for its own worker, and some would have nothing to do.",
    ),
    Explanation(
        "AM279",
        "the time of the search is too short for its trials",
        "After `time` no new trial starts. A trial takes longer than a blink even on little data, so that "
        "most of them would never run. Mostly the unit is wrong: `30m` are minutes, `30ms` milliseconds.",
    ),
    Explanation(
        "AM280",
        "the scheduler has nothing to stop",
        "`asha` compares trials while they learn and stops those that fall behind. This model reports "
        "nothing before it is trained, so every trial runs to its end, whatever `scheduler` says.",
    ),
    Explanation(
        "AM374",
        "a budget of money needs a limit and a price",
        "`search.cost` is what all trials together may cost. What one costs is how long it runs, at "
        "`search.cost_per_hour`, or at the `prices` of aimass.yaml.",
    ),
)


def _model(depth: str) -> str:
    return f"model: {{xgboost: {{max_depth: {depth}}}}}\nfeatures: [one_hot: plan]"


EXAMPLES = (
    Example(
        "AM374",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 7, cost: 5}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 7, cost: 5, cost_per_hour: 0.4}",
    ),
    Example(
        "AM374",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 7, cost_per_hour: 0.4}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 7}",
    ),
    Example(
        "AM246",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {algorithm: grid}",
        passes=_model("{choice: [3, 6, 9]}") + "\nsearch: {algorithm: grid}",
    ),
    Example(
        "AM247",
        fails=_model("6") + "\nsearch: {trials: 5}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 5}",
    ),
    Example(
        "AM248",
        fails=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 20}",
        passes=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 3}",
    ),
    Example(
        "AM248",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 20}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {trials: 7}",
    ),
    Example("AM276", fails=_model("{uniform: [3, 3]}"), passes=_model("{uniform: [3, 9]}")),
    Example("AM276", fails=_model("{choice: [3]}"), passes=_model("3")),
    Example("AM277", fails=_model("{choice: [3, 6, 6]}"), passes=_model("{choice: [3, 6, 9]}")),
    Example(
        "AM278",
        fails=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 3, concurrency: 8}",
        passes=_model("{choice: [3, 6, 9]}") + "\nsearch: {trials: 3, concurrency: 3}",
    ),
    Example(
        "AM279",
        fails=_model("{uniform: [3, 9]}") + "\nsearch: {time: 30ms}",
        passes=_model("{uniform: [3, 9]}") + "\nsearch: {time: 30m}",
    ),
    Example(
        "AM280",
        fails="model: {logistic_regression: {l2: {uniform: [1, 2]}}}\nsearch: {scheduler: asha}",
        passes="model: {logistic_regression: {l2: {uniform: [1, 2]}}}\nsearch: {scheduler: none}",
    ),
)

#: Seconds that no trial is faster than: it starts, reads its matrices, learns and is judged.
_FASTEST_TRIAL = 0.05


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a search says that its ranges, its trials or its model cannot mean."""
    ranges = search_space.ranges(pipeline.model, pipeline.training)
    is_searched = search_space.is_searched(pipeline.model, pipeline.training)
    yield from _of_ranges(pipeline, ranges)
    for path, found in ranges.items():
        yield from _few_values(path, found)
    if is_searched:
        yield from _at_once(pipeline.search)
    yield from _in_time(pipeline.search)
    yield from _in_budget(pipeline.search)
    scheduler, written = pipeline.search.scheduler, pipeline.search.model_fields_set
    models = pipeline.model.candidates
    can_stop = any(model.learns_in_steps for model in models)
    if is_searched and scheduler != "none" and "scheduler" in written and not can_stop:
        who = f"`{models[0].kind}` does not learn" if len(models) == 1 else "no model learns"
        message = f"`{scheduler}` stops no trial: {who} step by step"
        path = ("search", "scheduler")
        fix = Fix("write `scheduler: none`", (Assign(path, "none"),))
        yield Finding("AM280", path, message, help="write `none`", severity=Severity.WARNING, fix=fix)


def _of_ranges(pipeline: Pipeline, ranges: Mapping[Path, Any]) -> Iterator[Finding]:
    """Searches without ranges, grids without lists, and more trials than combinations."""
    search = pipeline.search
    written = search.model_fields_set
    if not search_space.is_searched(pipeline.model, pipeline.training) and written:
        message = f"there is nothing to search: no parameter of `{pipeline.model.kind}` is a range"
        hint = "write a parameter as `{choice: [4, 6, 8]}`, or leave `search` out"
        fix = Fix("leave `search` out", (Remove(("search",)),))
        severity = Severity.WARNING
        yield Finding("AM247", ("search",), message, help=hint, severity=severity, at_key=True, fix=fix)
    intervals = {path: found for path, found in ranges.items() if not isinstance(found, Choice)}
    if search.algorithm == "grid":
        for path in intervals:
            message = f"a grid cannot try everything between the ends of `{path[-1]}`"
            yield Finding("AM246", path, message, help="list values: `{choice: [4, 6, 8]}`")
    combinations = _combinations(pipeline)
    if combinations is not None and "trials" in written and search.trials > combinations > 1:
        message = f"there are {combinations} combinations to try, but `trials` is {search.trials}"
        hint, path = f"write `trials: {combinations}`", ("search", "trials")
        fix = Fix(hint, (Assign(path, combinations),), is_safe=False)
        yield Finding("AM248", path, message, help=hint, severity=Severity.WARNING, fix=fix)


def _combinations(pipeline: Pipeline) -> int | None:
    """How many combinations there are to try, over all models; None where there is no end of them."""
    found = 0
    for model in pipeline.model.candidates:
        counts = [_values(each) for each in search_space.ranges(model, pipeline.training).values()]
        if not all(counts):
            return None
        found += prod(count for count in counts if count)
    return found


def _values(found: Any) -> int | None:
    """How many values a range has; None where there is no end of them."""
    if isinstance(found, Choice):
        return len(set(map(repr, found.candidates)))
    first, last = found.ends
    return last - first + 1 if isinstance(first, int) and isinstance(last, int) else None


def _few_values(path: Path, found: Any) -> Iterator[Finding]:
    """A range that has one value, or a choice that repeats some."""
    candidates = found.candidates
    if len(set(map(repr, candidates))) == 1:
        message = f"`{path[-1]}` has the one value `{candidates[0]}` to choose from"
        hint = f"write `{path[-1]}: {candidates[0]}`, or a range"
        yield Finding("AM276", path, message, help=hint, severity=Severity.WARNING)
    elif isinstance(found, Choice):
        yield from _repeated(path, found.choice)


def _repeated(path: Path, choices: Sequence[Any]) -> Iterator[Finding]:
    for place, value in enumerate(choices):
        if value in choices[:place]:
            where = (*path, "choice", place)
            fix = Fix(f"remove the second `{value}`", (Remove(where),), is_safe=False)
            message = f"`{value}` stands among the choices of `{path[-1]}` twice"
            yield Finding("AM277", where, message, help="write it once", severity=Severity.WARNING, fix=fix)


def _at_once(search: Search) -> Iterator[Finding]:
    path = ("search", "concurrency")
    if "concurrency" in search.model_fields_set and search.concurrency > search.trials:
        message = f"there are only {search.trials} trials, so never {search.concurrency} at once"
        fix = Fix(f"write `concurrency: {search.trials}`", (Assign(path, search.trials),))
        note = Related(("search", "trials"), f"`trials` is {search.trials}")
        yield Finding(
            "AM278", path, message, help=fix.message, severity=Severity.WARNING, related=(note,), fix=fix
        )


def _in_time(search: Search) -> Iterator[Finding]:
    if search.time is None:
        return
    each = search.time.seconds * min(search.concurrency, search.trials) / search.trials
    if each < _FASTEST_TRIAL:
        message = f"`time` leaves {1000 * each:.3g} ms to each of {search.trials} trials"
        hint = "give it minutes, such as `30m`, or leave `time` out"
        yield Finding("AM279", ("search", "time"), message, help=hint, severity=Severity.WARNING)


def _in_budget(search: Search) -> Iterator[Finding]:
    if search.cost is not None and search.cost_per_hour is None:
        message = "what a trial costs is not known, so that no search ends when it has cost this much"
        hint = "write `cost_per_hour`, or `prices` in aimass.yaml"
        yield Finding("AM374", ("search", "cost"), message, help=hint, at_key=True)
    elif search.cost is None and search.cost_per_hour is not None:
        where = ("search", "cost_per_hour")
        message = "`cost_per_hour` changes nothing: there is no `cost` to stay within"
        fix = Fix("leave `cost_per_hour` out", (Remove(where),))
        yield Finding("AM374", where, message, help="write `cost`", severity=Severity.WARNING, fix=fix)
