"""A real git repository with versions of a model, and releases that were committed at given times."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aimass_compiler.cli import main
from aimass_compiler.releases import release_file, version_record
from aimass_compiler.releases.version_record import GateRecord, ImageDigest, ServiceTest, VersionRecord
from aimass_compiler.render.facts import Contract, RequestColumn

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SETTINGS = """\
images: {registry: registry.example.com/ml}
environments:
  dev: {}
  staging: {}
  prod: {soak: 24h}
"""
CONTRACT = Contract(
    task="binary",
    target="churned",
    classes=("no", "yes"),
    positive="yes",
    columns={"age": RequestColumn("number", True, 0.0), "tenure": RequestColumn("number", True, 0.0)},
)


def digest(number: int, kind: str = "image") -> str:
    """The digest that an image of version `number` has here."""
    first = {"image": "1", "package": "2", "server": "3"}[kind]
    return f"sha256:{first}{number:063x}"


def version(number: int, **changes: Any) -> VersionRecord:
    """The record of one version, all of whose gates passed."""
    facts: dict[str, Any] = {
        "model": "churn",
        "name": f"v{number}-{number:08x}",
        "package": f"{number:08x}" + "0" * 56,
        "package_version": f"{number}",
        "image": ImageDigest("registry.example.com/ml/churn", digest(number)),
        "package_image": ImageDigest("registry.example.com/ml/churn-package", digest(number, "package")),
        "server_image": ImageDigest("registry.example.com/ml/aimass-server", digest(1, "server")),
        "compiler": "0.1.0",
        "commit": f"{number:040x}",
        "data": {"data/customers.csv": f"{number:032x}"},
        "parameters": {"max_depth": 4 + number},
        "metrics": {"test": {"roc_auc": 0.8 + number / 1000}},
        "gates": (GateRecord("roc_auc min 0.8", True, 0.8 + number / 1000),),
        "service_test": ServiceTest(True, {"p99": 4.0}),
        "contract": CONTRACT,
        "runtime": {"onnxruntime": "1.22"},
        "trained_at": f"2026-11-{number:02}T00:00:00Z",
    }
    return VersionRecord(**(facts | changes))


@dataclass(frozen=True)
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str


@dataclass
class Repository:
    """A project in git, with a clock for its commits."""

    root: Path
    capture: pytest.CaptureFixture[str]
    day: int = 0
    spent: list[str] = field(default_factory=list)

    def aimass(self, *arguments: str) -> Answer:
        """Call the command line here."""
        self.capture.readouterr()
        try:
            code = main([*arguments, "--root", str(self.root)])
        except SystemExit as left:  # argparse leaves so
            code = int(left.code or 0)
        out, err = self.capture.readouterr()
        return Answer(code, out, err)

    def git(self, *arguments: str, at: str = "") -> str:
        """Call git here."""
        dated = {"GIT_COMMITTER_DATE": at, "GIT_AUTHOR_DATE": at} if at else {}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env={**os.environ, **dated},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def write(self, path: str, text: str | bytes) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        content = text if isinstance(text, bytes) else text.encode()
        (self.root / path).write_bytes(content)

    def read(self, path: str) -> str:
        return (self.root / path).read_text(encoding="utf-8")

    def serve(self, **serving: Any) -> None:
        """What pipeline.json says of every environment."""
        facts = {"replicas": {"min": 2, "max": 4}, "rollout": {"canary": []}} | serving
        environments = {name: {"serving": facts} for name in ("dev", "staging", "prod")}
        self.write("generated/churn/pipeline.json", json.dumps({"environments": environments}))

    def record(self, *records: VersionRecord) -> None:
        for each in records:
            path = version_record.file_of(self.root, each.model, each.name)
            self.write(path.relative_to(self.root).as_posix(), version_record.encoded(each))

    def commit(self, at: str, subject: str = "change") -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", subject, at=at)
        return self.git("rev-parse", "HEAD")

    def release(self, environment: str, number: int, at: str = "") -> None:
        """Promote whatever the rules say, and commit it if a time is given."""
        record = version(number)
        assert record.image is not None
        wanted = release_file.Release(
            environment=environment, model="churn", images={"churn": record.image}, version=record.name
        )
        path = release_file.file_of(self.root, environment, "churn")
        old = path.read_bytes() if path.exists() else None
        self.write(path.relative_to(self.root).as_posix(), release_file.edited(old, wanted))
        if at:
            self.commit(at, f"{environment}: release v{number}")

    def released(self, environment: str) -> release_file.Release | None:
        return release_file.read(self.root, environment, "churn")
