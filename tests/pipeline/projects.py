"""A project of its own with a small model, and the installed commands run in it."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

COMMANDS = Path(sys.executable).parent
MODEL = "churn"
STAGES = ("prepare", "features", "train", "evaluate", "package", "test")
#: Long enough for a machine that does other things, too.
PATIENCE_SECONDS = 600
_MARK = "AIMASS_TEST_PROJECT"
_RAN = re.compile(r"^▸ (\w+):", re.MULTILINE)

SPEC = """\
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data:
  sources: {customers: data/customers.csv}
  columns:
    age: {type: number, min: 0, max: 120}
    charges: {type: number, min: 0}
    plan: {type: category, values: [basic, plus, pro]}
    churned: {type: category, values: ["no", "yes"]}
  split: {by: random, stratify: churned, train: 0.6, validation: 0.2, test: 0.2}
target: churned
features:
  - standardize: [age, charges]
  - one_hot: plan
model:
  logistic_regression: {l2: 1.0}
objective: {metric: roc_auc}
evaluation:
  gates:
    - {metric: roc_auc, min: 0.6}
serving:
  replicas: {min: 1, max: 3}
  objectives: {latency: {p99: 5s}}
  limits: {timeout: 6s}
  tests: {load: {rps: 2, for: 1s}}
environments:
  dev: {serving: {replicas: {min: 1, max: 1}}}
"""
#: The same with something to search, for long enough to be interrupted.
SEARCH = SPEC.replace("l2: 1.0", "l2: {loguniform: [0.01, 100]}") + "search: {trials: 30, concurrency: 2}\n"


@dataclass(frozen=True)
class Done:
    """How a command ended, and everything that it said."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> str:
        return self.out + self.err

    @property
    def stages(self) -> list[str]:
        """The stages that were run, in their order."""
        return _RAN.findall(self.out)

    @property
    def is_clear(self) -> bool:
        """Whether it shows no Python to who did not write any."""
        return "Traceback" not in self.told and 'File "' not in self.told


@dataclass(frozen=True)
class Project:
    """A folder with specs, data, generated files and results."""

    root: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @classmethod
    def make(cls, root: Path, spec: str = SPEC, rows: int = 200) -> Project:
        """A project with one spec and its data, in which nothing was compiled yet."""
        project = cls(root)
        project.write(f"specs/{MODEL}.yaml", spec)
        project.write("data/customers.csv", customers(rows))
        return project

    def copy(self, root: Path) -> Project:
        """The same project somewhere else, with everything that was run in it."""
        shutil.copytree(self.root, root, dirs_exist_ok=True)
        return Project(root)

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def edit(self, before: str, after: str, path: str = f"specs/{MODEL}.yaml") -> None:
        """Replace one part of a file, which must be there once."""
        text = self.read(path)
        assert text.count(before) == 1, f"`{before}` is in {path} {text.count(before)} times"
        self.write(path, text.replace(before, after))

    def results(self) -> dict[str, bytes]:
        """Every result file by its path below artifacts/churn."""
        folder = self.root / "artifacts" / MODEL
        return {
            str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()
        }

    def report(self, path: str) -> Any:
        return json.loads(self.read(f"artifacts/{MODEL}/{path}"))

    def environment(self, **more: str) -> dict[str, str]:
        """Quiet, apart from the user's own DVC, and marked so that what is left over can be found."""
        own = {
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(self.root / ".site"),
            "GIT_CEILING_DIRECTORIES": str(self.root.parent),
            "PATH": os.pathsep.join([str(COMMANDS), os.environ["PATH"]]),
            _MARK: self.mark,
        }
        return os.environ | own | more

    def shadowing(self, folder: str) -> dict[str, str]:
        """The variables that put a folder's modules in the place of installed ones."""
        paths = [str(self.root / folder), os.environ.get("PYTHONPATH", "")]
        return {"PYTHONPATH": os.pathsep.join(filter(None, paths))}

    def aimass(self, *arguments: str, **more: Any) -> Done:
        return self.command("aimass", *arguments, **more)

    def stage(self, name: str, **more: Any) -> Done:
        """One stage without DVC."""
        return self.command("aimass-runtime", name, MODEL, **more)

    def command(
        self, name: str, *arguments: str, within: str = ".", variables: Any = (), **more: Any
    ) -> Done:
        """An installed command, run to its end in a folder of the project."""
        done = subprocess.run(
            [str(COMMANDS / name), *arguments],
            cwd=self.root / within,
            env=self.environment(**dict(variables)),
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
            **more,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def start(self, name: str, *arguments: str) -> Running:
        """An installed command that goes on in a process group of its own, as a terminal would start it."""
        out = self.root / f".{name}-{time.monotonic_ns()}.log"
        with out.open("wb") as stream:
            process = subprocess.Popen(
                [str(COMMANDS / name), *arguments],
                cwd=self.root,
                env=self.environment(),
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        return Running(process, out)

    def processes(self, command: str = "") -> list[int]:
        """What was started in this project, lives, and has this in its command line."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                line = (folder / "cmdline").read_text().replace("\0", " ")
                if command in line and f"{_MARK}={self.mark}".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found


@dataclass(frozen=True)
class Running:
    """A command that goes on."""

    process: subprocess.Popen[bytes]
    log: Path

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")

    def wait_for(self, is_there: Callable[[], bool]) -> None:
        """Wait until something has happened; the command must not have ended before."""
        wait_until(lambda: is_there() or self.process.poll() is not None)
        assert self.process.poll() is None, f"it ended before: {self.said()}"

    def signal(self, which: signal.Signals) -> Done:
        """Send a signal to the whole group, as Ctrl-C does, and wait for the end."""
        os.killpg(self.process.pid, which)
        return self.end()

    def end(self) -> Done:
        return Done(self.process.wait(PATIENCE_SECONDS), self.said(), "")


def wait_until(is_so: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait, and fail when it is not so in time."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, f"not so within {seconds} s"
        time.sleep(0.02)


def customers(rows: int, *, seed: int = 7) -> str:
    """Customers who mostly leave where charges are high, as CSV."""
    chance = random.Random(seed)  # noqa: S311  # rows, no secrets
    lines = ["age,charges,plan,churned"]
    for _ in range(rows):
        charges = round(chance.uniform(10, 100), 2)
        leaves = (charges > 55) != (chance.random() < 0.1)
        plan = chance.choice(["basic", "plus", "pro"])
        lines.append(f"{chance.randint(18, 80)},{charges},{plan},{'yes' if leaves else 'no'}")
    return "\n".join(lines) + "\n"
