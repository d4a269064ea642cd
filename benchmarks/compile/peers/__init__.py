"""The tools that are compared with, each with the same services in the form that its users would write."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.compile.measure import Call
    from benchmarks.compile.tools import Tools
    from benchmarks.compile.work import Service


@dataclass(frozen=True)
class Task:
    """Make the objects of these services in these environments, with the files in this folder."""

    tools: Tools
    folder: Path
    services: Sequence[Service]
    environments: Sequence[str]


class Peer(Protocol):
    """One tool in one way of calling it."""

    #: What the table calls it.
    name: str
    #: The program that it needs; several ways of calling it compete.
    tool: str
    #: Whether it can make one environment's objects alone.
    takes_environments: bool

    def prepare(self, task: Task) -> None:
        """Write the tool's input into the task's folder, which is empty."""

    def calls(self, task: Task) -> Sequence[Call]:
        """The calls that make all objects."""

    def texts(self, task: Task) -> Iterable[str]:
        """What the calls have made, as YAML or JSON."""


def write_json(path: Path, value: object) -> None:
    """A file of data, in the form that every tool reads fastest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1), encoding="utf-8")


def write_yaml(path: Path, value: object) -> None:
    """A file as people write it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.dump(value, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")


def read(folder: Path, pattern: str) -> Iterable[str]:
    """The texts of the files that a tool has written."""
    return (path.read_text(encoding="utf-8") for path in sorted(folder.glob(pattern)))
