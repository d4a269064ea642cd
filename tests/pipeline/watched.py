"""A clone of a released model that is watched: a remote, an alerting Prometheus, and GitHub beside it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aimass_compiler.cli import main
from aimass_compiler.compile import compile_specs
from aimass_compiler.project import Project as Specs
from aimass_compiler.releases import candidate_ledger
from aimass_compiler.retraining.attempt import attempt
from aimass_compiler.retraining.decision import due
from tests.harness.github_actions.projects import stand_ins

if TYPE_CHECKING:
    import pytest

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.releases.candidate_ledger import TriedCandidate
    from aimass_compiler.retraining.decision import RetrainingDecision
    from pipeline.projects import Project
    from tests.harness.github_service import GithubService

RETRAIN = """\
monitoring:
  retrain: {schedule: null, on: [drift], cooldown: 1h, budget: {candidates: 3}, attempts: 2}
"""
_LEDGER = "refs/aimass/candidates/churn"


@dataclass(frozen=True)
class Watched:
    """What is tried in it, and what came of it."""

    project: Project
    prometheus: str
    """The address of what is asked for alerts."""
    github: GithubService

    @classmethod
    def released(
        cls,
        project: Project,
        prometheus: str,
        github: GithubService,
        patch: pytest.MonkeyPatch,
        monitoring: str = RETRAIN,
    ) -> Watched:
        """Release the version of a finished project to dev, and push all of it."""
        root, folder = project.root, project.root.parent
        told = {**github.variables, "PATH": f"{stand_ins(folder / 'gh')}{os.pathsep}{os.environ['PATH']}"}
        people = {f"GIT_{role}_{part}": "a" for role in ("AUTHOR", "COMMITTER") for part in ("NAME", "EMAIL")}
        for name, value in {**told, **people, "GIT_CONFIG_GLOBAL": os.devnull}.items():
            patch.setenv(name, value)
        made = cls(project, prometheus, github)
        project.write("specs/churn.yaml", project.read("specs/churn.yaml") + monitoring)
        project.write(".gitignore", "/artifacts/\n/.site/\n")
        made.git("init", "--quiet", "--initial-branch=main")
        made.git("init", "--quiet", "--bare", "--initial-branch=main", str(folder / "origin.git"))
        made.git("remote", "add", "origin", str(folder / "origin.git"))
        for command in (["compile"], ["publish", "churn"], ["promote", "churn", "--to", "dev"]):
            made.kept()
            assert main([*command, f"--root={root}"]) == 0
        made.kept()
        made.git("push", "--quiet", "origin", "main")
        made.git("remote", "set-head", "origin", "main")
        return made

    def git(self, *arguments: str) -> str:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=self.project.root, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def kept(self) -> None:
        """Commit all that there is."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=on")

    def retrain(self, *options: str) -> int:
        """`aimass retrain churn`, which asks this Prometheus."""
        return main(["retrain", "churn", *options, *self.here])

    @property
    def here(self) -> tuple[str, str]:
        return f"--root={self.project.root}", f"--prometheus={self.prometheus}"

    @property
    def pipeline(self) -> Pipeline:
        specs = Specs(self.project.root)
        return compile_specs(specs, specs.specs()).pipelines["churn"]

    @property
    def decision(self) -> RetrainingDecision:
        return due(self.project.root, self.pipeline, self.prometheus)[1]

    def tried(self) -> list[TriedCandidate]:
        return candidate_ledger.read(self.project.root, "churn")

    def written(self, outcome: Any, **known: Any) -> None:
        """Have it on record that a candidate of this recipe was tried."""
        tried = replace(attempt(self.pipeline, outcome), **known)
        candidate_ledger.append(self.project.root, "churn", tried)

    def forget(self) -> None:
        """Nothing was tried yet, and nothing is on GitHub."""
        if self.git("ls-remote", "origin", _LEDGER):
            self.git("push", "--quiet", "origin", f":{_LEDGER}")
        for known in (self.github.pulls, self.github.issues, self.github.calls):
            known.clear()

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.project.read(f"artifacts/churn/{name}"))
        return found

    def proposed_files(self, branch: str) -> list[str]:
        """What the branch of a pull request changes, as the remote has it."""
        self.git("fetch", "--quiet", "origin", branch)
        return self.git("diff", "--name-only", "main", "FETCH_HEAD").split()
