"""One job of a workflow: its steps in their order, in a folder of its own, with what GitHub gives them."""

from __future__ import annotations

import re
import secrets as chance
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.harness.github_actions.actions import ActionFailed, act, ran
from tests.harness.github_actions.expressions import Functions, as_text, filled, holds, status
from tests.harness.github_actions.hub import Event, Place

#: What begins the names of variables that every job gets.
_FOR_ALL = ("STAND_IN_", "GITHUB_API_")
_ASSIGNED = re.compile(r"(?P<name>[^=<\s]+)(?:=(?P<value>.*)|<<(?P<end>\S+))")


@dataclass(frozen=True)
class Step:
    """What became of a step."""

    name: str
    outcome: str
    """success, failure or skipped."""
    log: str = ""


@dataclass(frozen=True)
class Job:
    """What became of a job."""

    name: str
    result: str
    outputs: Mapping[str, str] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    summary: str = ""
    parts: tuple[Job, ...] = ()
    """One for each combination of its matrix, where it has one."""

    def step(self, beginning: str) -> Step:
        """The step whose name begins so."""
        (found,) = (step for step in self.steps if step.name.startswith(beginning))
        return found

    @property
    def log(self) -> str:
        """Everything that was said, for a failing test."""
        return "".join(f"── {step.name}: {step.outcome}\n{step.log}\n" for step in self.steps)


@dataclass(frozen=True)
class Machine:
    """What a runner has: folders, programs, and where it finds the services that no test reaches."""

    folder: Path
    remote: Path
    path: str
    """Programs, as PATH has them."""
    services: Mapping[str, str]
    """Variables that the stand-ins read."""


class Running:
    """A job while it runs."""

    def __init__(self, name: str, written: Mapping[str, Any], machine: Machine, event: Event, place: Place):
        self._name, self._written, self._machine, self._event = name, written, machine, event
        # A path that was long or held a blank would be another test.
        self.workspace = machine.folder / f"{re.sub(r'[^a-z0-9]+', '-', name.lower())}-{chance.token_hex(3)}"
        self._temporary = self.workspace.with_name(f"{self.workspace.name}-temp")
        self._files = {
            f"GITHUB_{each}": self._temporary / each.lower()
            for each in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")
        }
        for folder in (self.workspace, self._temporary / "home"):
            folder.mkdir(parents=True)
        self._place = place
        self._environment: dict[str, str] = {}
        self._steps: list[Step] = []
        self._outputs: dict[str, Any] = {}
        self._paths: list[str] = []

    def run(self, contexts: Mapping[str, Any]) -> Job:
        """Every step; one after a failure runs only where its condition says so."""
        known = {
            **contexts,
            "vars": {**contexts["vars"], **self._place.variables},
            "secrets": self._place.secrets,
            "runner": {"temp": str(self._temporary)},
            "steps": self._outputs,
        }
        self._environment = self._given(self._written.get("env", {}), known)
        for number, written in enumerate(self._written["steps"]):
            self._steps.append(self._step(number, written, known))
        outputs = {
            name: as_text(filled(each, known, self._status()))
            for name, each in self._written.get("outputs", {}).items()
        }
        summary = self._files["GITHUB_STEP_SUMMARY"]
        return Job(
            self._name,
            "failure" if self._has_failed else "success",
            outputs,
            tuple(self._steps),
            summary.read_text() if summary.exists() else "",
        )

    @property
    def _has_failed(self) -> bool:
        return any(step.outcome == "failure" for step in self._steps)

    def _status(self) -> Functions:
        return status(is_success=not self._has_failed, is_failure=self._has_failed)

    def _given(self, written: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
        return {name: as_text(filled(each, known, self._status())) for name, each in written.items()}

    def _step(self, number: int, written: Mapping[str, Any], known: Mapping[str, Any]) -> Step:
        name = as_text(filled(written["name"], known, self._status()))
        if not holds(written.get("if", ""), known, self._status()):
            return Step(name, "skipped")
        if "uses" in written:
            given = {
                key: filled(each, known, self._status()) for key, each in written.get("with", {}).items()
            }
            try:
                said, outputs = act(written["uses"], given, self.workspace, self._machine.remote, self._event)
            except ActionFailed as failed:
                return Step(name, "failure", str(failed))
            if "id" in written:
                self._outputs[written["id"]] = {"outputs": outputs}
            return Step(name, "success", said)
        return self._ran(number, name, written, known)

    def _ran(self, number: int, name: str, written: Mapping[str, Any], known: Mapping[str, Any]) -> Step:
        script = self._temporary / f"{number}.sh"
        script.write_text(as_text(filled(written["run"], known, self._status())))
        own = self._given(written.get("env", {}), known)
        environment = {**self._base(), **self._environment, **own}
        code, log = ran(script, written.get("shell"), self.workspace, environment)
        outputs = dict(self._taken("GITHUB_OUTPUT"))
        self._environment |= dict(self._taken("GITHUB_ENV"))
        self._paths += self._lines("GITHUB_PATH")
        if "id" in written:
            self._outputs[written["id"]] = {"outputs": outputs}
        return Step(name, "success" if code == 0 else "failure", log)

    def _base(self) -> dict[str, str]:
        token = self._machine.services if self._written["permissions"].get("id-token") == "write" else {}
        return {
            "PATH": ":".join([*reversed(self._paths), self._machine.path]),
            "HOME": str(self._temporary / "home"),
            "LANG": "C.UTF-8",
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": self._event.name,
            "GITHUB_REF": self._event.ref,
            "GITHUB_SHA": self._event.sha,
            "GITHUB_REPOSITORY": "acme/models",
            "GITHUB_RUN_ID": "1",
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_WORKSPACE": str(self.workspace),
            "RUNNER_TEMP": str(self._temporary),
            **{name: str(path) for name, path in self._files.items()},
            **{name: each for name, each in self._machine.services.items() if name.startswith(_FOR_ALL)},
            **{name: each for name, each in token.items() if name.startswith("ACTIONS_ID_TOKEN_")},
        }

    def _taken(self, name: str) -> Iterator[tuple[str, str]]:
        """What a step assigned in one of the files that GitHub reads after it."""
        lines = iter(self._lines(name))
        for line in lines:
            found = _ASSIGNED.fullmatch(line)
            assert found is not None, f"{name}: {line!r}"
            if found["end"] is None:
                yield found["name"], found["value"]
                continue
            text: list[str] = []
            while (following := next(lines)) != found["end"]:
                text.append(following)
            yield found["name"], "\n".join(text)

    def _lines(self, name: str) -> list[str]:
        """What a step wrote to one of these files, which is empty for the next one."""
        path = self._files[name]
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines
