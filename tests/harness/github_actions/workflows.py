"""A whole workflow of `.github/workflows/`: which of its jobs run for an event, in which order, with what."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import product
from typing import Any

import yaml

from tests.harness.github_actions.expressions import Functions, as_text, filled, holds, status
from tests.harness.github_actions.hub import Event, Hub, Place, git
from tests.harness.github_actions.jobs import Job, Machine, Running

#: How many parts of a matrix run side by side.
_AT_ONCE = 2


def run(
    file: str, event: Event, hub: Hub, machine: Machine, *, without: Iterable[str] = ()
) -> dict[str, Job]:
    """The workflow as the commit of the event has it; answers its jobs, and none where it is not for this.

    `without` names jobs that are left out; no other job may need them.
    """
    written = yaml.safe_load(git(hub.remote, "show", f"{event.sha}:.github/workflows/{file}"))
    if not is_wanted(written[True], event):  # YAML 1.1 takes `on` for a truth
        return {}
    jobs: dict[str, Job] = {}
    waiting = {name: job for name, job in written["jobs"].items() if name not in set(without)}
    while waiting:
        ready = [name for name, job in waiting.items() if set(_needs(job)) <= jobs.keys()]
        assert ready, f"waiting for one another, or for what is left out: {', '.join(waiting)}"
        for name in ready:
            jobs[name] = _job(name, waiting.pop(name), jobs, event, hub, machine)
    return jobs


def is_wanted(triggers: Mapping[str, Any], event: Event) -> bool:
    """Whether the workflow is for this event, by branch and paths."""
    if event.name not in triggers:
        return False
    told = triggers[event.name] or {}
    branch = event.ref.removeprefix("refs/heads/")
    if event.name == "push" and branch not in told.get("branches", [branch]):
        return False
    patterns = [_pattern(each) for each in told.get("paths", ["**"])] if event.name == "push" else []
    return not patterns or any(each.fullmatch(path) for each in patterns for path in event.changed)


def _pattern(written: str) -> re.Pattern[str]:
    """A filter pattern of paths: `*` stays within a folder, `**` does not."""
    parts = re.split(r"(\*\*|\*)", written)
    return re.compile("".join({"**": ".*", "*": "[^/]*"}.get(part, re.escape(part)) for part in parts))


def _needs(job: Mapping[str, Any]) -> list[str]:
    told = job.get("needs", [])
    return [told] if isinstance(told, str) else list(told)


def _job(
    name: str, written: Mapping[str, Any], done: Mapping[str, Job], event: Event, hub: Hub, machine: Machine
) -> Job:
    """One job, or all of its matrix as one."""
    needed = {each: done[each] for each in _needs(written)}
    contexts: dict[str, Any] = {
        "github": {
            "event_name": event.name,
            "event": event.payload,
            "ref": event.ref,
            "sha": event.sha,
            "actor": "anna",
            "token": "a-token-of-github",
            "repository": "acme/models",
            "run_id": "1",
            "server_url": "https://github.com",
        },
        "vars": hub.variables,
        "inputs": event.payload.get("inputs", {}),
        "needs": {each: {"result": job.result, "outputs": job.outputs} for each, job in needed.items()},
    }
    before = _before(needed.values())
    if not holds(written.get("if", ""), contexts, before):
        return Job(name, "skipped")

    def part(combination: Mapping[str, str]) -> Job:
        known = {**contexts, "matrix": combination}
        place = _place(written.get("environment"), hub, known, before)
        shown = as_text(filled(written["name"], known, before))
        return Running(shown, written, machine, event, place).run(known)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        matrix = written.get("strategy", {}).get("matrix", {})
        parts = list(pool.map(part, _combinations(matrix, contexts, before)))
    return replace(parts[0], parts=tuple(parts)) if len(parts) == 1 else _joined(name, parts)


def _before(needed: Iterable[Job]) -> Functions:
    """The status that a job finds where it begins."""
    results = {job.result for job in needed}
    return status(is_success=results <= {"success"}, is_failure="failure" in results)


def _combinations(
    matrix: Mapping[str, Any], contexts: Mapping[str, Any], functions: Functions
) -> Iterator[dict[str, Any]]:
    names = list(matrix)
    for values in product(*(filled(each, contexts, functions) for each in matrix.values())):
        yield dict(zip(names, values, strict=True))


def _place(written: Any, hub: Hub, contexts: Mapping[str, Any], functions: Functions) -> Place:
    """What the job's environment holds."""
    name = written.get("name") if isinstance(written, dict) else written
    return hub.places.get(as_text(filled(name, contexts, functions)), Place())


def _joined(name: str, parts: list[Job]) -> Job:
    has_failed = any(part.result == "failure" for part in parts)
    steps = tuple(step for part in parts for step in part.steps)
    summary = "".join(part.summary for part in parts)
    return Job(name, "failure" if has_failed else "success", {}, steps, summary, tuple(parts))


def overview(jobs: Mapping[str, Job]) -> dict[str, str]:
    """The result of each job."""
    return {name: job.result for name, job in jobs.items()}
