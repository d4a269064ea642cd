"""Who is measured on what: each trial is one tool on one case, ready to be repeated."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Peer, Task
from benchmarks.compile.peers.sloth import Sloth
from benchmarks.compile.specs import write_project, write_spec
from benchmarks.compile.tools import Tools, bare_environment
from benchmarks.compile.work import ENVIRONMENTS, OBJECTS_PER_ENVIRONMENT, Service, changed

AIMASS = "aimass-compile"
#: Sloth makes objects of its own, and only those of the objectives.
PARTIAL = (Sloth.name,)
_KIND = re.compile(r"^kind: ", re.MULTILINE)


@dataclass(frozen=True)
class Trial:
    """One tool on one case: what happens before each repetition, untimed, and the calls that are timed.

    Afterwards `is_done` says whether all of the work was.
    """

    contender: str
    tool: str
    calls: Sequence[Call]
    before: Callable[[], None]
    is_done: Callable[[], bool]


def nothing() -> None:
    """Most tools need no preparation between repetitions: they keep no state."""


def peer_task(
    peer: Peer, tools: Tools, folder: Path, services: Sequence[Service], environments: Sequence[str]
) -> Task:
    """What a peer has to do, in a folder of its own; its input is written now."""
    task = Task(tools, folder / re.sub(r"[^a-z0-9]+", "-", peer.name).strip("-"), services, environments)
    _empty(task.folder)
    peer.prepare(task)
    return task


def peer_trial(
    peer: Peer, tools: Tools, folder: Path, services: Sequence[Service], environments: Sequence[str]
) -> Trial:
    """A peer on these services."""
    task = peer_task(peer, tools, folder, services, environments)
    expected = OBJECTS_PER_ENVIRONMENT * len(services) * len(environments)
    is_partial = peer.name in PARTIAL
    return Trial(
        peer.name,
        peer.tool,
        peer.calls(task),
        nothing,
        lambda: is_partial or count(peer.texts(task)) == expected,
    )


def floor_trials(tools: Tools, folder: Path) -> Iterator[Trial]:
    """The interpreter that aimass-compile runs in, alone and with what nearly every program imports."""
    python = str(Path(tools.paths[AIMASS]).with_name("python"))
    for name, code in (("python -c pass", "pass"), ("python, json and hashlib", "import json, hashlib")):
        call = Call((python, "-c", code), folder)
        yield Trial(name, "python", [call], nothing, lambda: True)


class Aimass:
    """aimass-compile on a project of its own, with a cache of its own."""

    def __init__(self, tools: Tools, folder: Path, services: Sequence[Service]) -> None:
        self._root = folder / AIMASS
        self._services = services
        environment = {"XDG_CACHE_HOME": str(self._root / "cache"), "HOME": str(self._root / "home")}
        self._call = Call((tools.paths[AIMASS],), self._root, None, environment)
        self._is_changed = False

    def cold(self) -> Trial:
        """Everything is compiled, and nothing of an earlier call is there."""
        return self._trial(self._start_again)

    def unchanged(self) -> Trial:
        """Everything was compiled before, and nothing has changed since."""
        return self._trial(self._compile_once)

    def one_changed(self) -> Trial:
        """Everything was compiled before; one spec has changed since."""
        return self._trial(self._change_one)

    def _trial(self, before: Callable[[], None]) -> Trial:
        return Trial(AIMASS, AIMASS, [self._call], before, self._is_done)

    def _start_again(self) -> None:
        _empty(self._root)
        write_project(self._root, self._services)

    def _compile_once(self) -> None:
        """As a user's project is: compiled, with what the compiler keeps for the next time."""
        if not self._root.exists():
            self._start_again()
            subprocess.run(
                self._call.argv,
                cwd=self._root,
                env={**bare_environment(), **self._call.environment},
                check=True,
                capture_output=True,
            )

    def _change_one(self) -> None:
        """Between two versions of one spec, so that each repetition finds another than the last left."""
        self._compile_once()
        one = self._one()
        self._is_changed = not self._is_changed
        write_spec(self._root, changed(one) if self._is_changed else one)

    def _one(self) -> Service:
        return self._services[len(self._services) // 2]

    def _is_done(self) -> bool:
        """Whether every model has its overlays, and the changed one what it was changed to."""
        generated = self._root / "generated"
        overlays = list(generated.glob("*/overlays/*/kustomization.yaml"))
        one = self._one()
        prod = (generated / one.name / "overlays" / "prod").rglob("*.yaml")
        wanted = f"maxReplicas: {(changed(one) if self._is_changed else one).sizing['prod'].replicas_max}"
        return len(overlays) == len(self._services) * len(ENVIRONMENTS) and any(
            wanted in path.read_text(encoding="utf-8") for path in prod
        )


def count(texts: Iterable[str]) -> int:
    """How many objects the texts hold. YAML is not parsed for that: it may be hundreds of megabytes."""
    return sum(len(json.loads(text)) if text.startswith("[") else len(_KIND.findall(text)) for text in texts)


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
