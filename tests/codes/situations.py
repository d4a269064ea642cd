"""What the examples tell that no text shows, brought about: a code to how it fails and how it passes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler import conventions
from aimass_compiler.checks import BASE
from aimass_compiler.checks import model_names as naming_of_files
from aimass_compiler.compile import Upto, compile_spec, compile_specs
from aimass_compiler.diagnostics import Finding
from aimass_compiler.impact.consistency import disagreements
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.plan import atomic_write, update
from aimass_compiler.plan.names import refusals
from aimass_compiler.project import Project
from aimass_compiler.releases import record_check, release_file, version_record
from aimass_compiler.spec.edits.formatter import formatted
from aimass_compiler.spec.yaml.reader import parse, read_document
from aimass_compiler.starter import InitOptions, create, propose
from tests.codes import contracts, language_models, policies, sharing, teams
from tests.delivery.deliveries import digest, version

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]
FILES = {"churn/dvc.yaml": b"stages: {}\n"}
WIDE = ",".join(f"pixel_{number}" for number in range(5_001)) + "\n" + "1," * 5_000 + "1\n"
TABLE = "age,tenure,since,churned\n" + "".join(
    f"{20 + row % 50},{row % 7},2024-01-{row % 28 + 1:02},{'yes' if row % 3 else 'no'}\n"
    for row in range(200)
)


def reading(content: bytes) -> Situation:
    """A spec with this content is read."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "churn.yaml").write_bytes(content)
        return read_document(root / "churn.yaml", "specs/churn.yaml")[1]

    return situation


def a_folder(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    (root / "churn.yaml").mkdir()
    return read_document(root / "churn.yaml", "specs/churn.yaml")[1]


def formatting(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    return formatted(b"# who\nkind:   Model\n", "specs/churn.yaml")[1]


def losing_comments(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    patched.setattr("aimass_compiler.spec.edits.formatter.laid_out", lambda text: text.replace("# who\n", ""))
    return formatting(root, patched)


def naming(*paths: str) -> Situation:
    """Files with these paths are to be written."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        return refusals(paths, "generated")

    return situation


def writing_again(change: Callable[[Path], object], content: bytes = b"new\n") -> Situation:
    """Something is done to what was generated, and then it is generated again."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        assert update(FILES, root)[1] == []
        change(root)
        return update({"churn/dvc.yaml": content}, root)[1]

    return situation


def nothing(root: Path) -> None:
    """Leave it as it is."""


def read_only(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    assert update(FILES, root)[1] == []
    patched.setattr(os, "replace", refuse)
    return update({"churn/dvc.yaml": b"new\n"}, root)[1]


def another_program(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    assert update(FILES, root)[1] == []
    compare = atomic_write.compare

    def compared(*arguments: object, **named: object) -> object:
        plan = compare(*arguments, **named)  # type: ignore[arg-type]  # passed on as they came
        (root / "churn/dvc.yaml").write_bytes(b"theirs\n")
        return plan

    patched.setattr(atomic_write, "compare", compared)
    return update({"churn/dvc.yaml": b"new\n"}, root)[1]


def gone(*, with_lock: bool) -> Situation:
    """The spec of a model is deleted, and DVC's file with it or not."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        assert update(FILES, root)[1] == []
        if with_lock:
            (root / "churn/dvc.lock").write_bytes(b"schema: '2.0'\n")
        return update({}, root, prune_models=True)[1]

    return situation


def specs(*files: str) -> Situation:
    """A project has specs of models that are called like their files."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        for file in files:
            name = Path(file).stem
            (root / "specs" / file).parent.mkdir(parents=True, exist_ok=True)
            (root / "specs" / file).write_text(BASE.replace("name: churn", f"name: {name}"))
        (root / "teams").mkdir()
        (root / "teams/growth.yaml").touch()
        project = Project(root)
        return list(compile_specs(project, project.specs(), upto=Upto.CHECK).findings)

    return situation


def mirrored(*others: str) -> Situation:
    """A project mirrors requests to `churn-next`, and has these other models."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "specs").mkdir()
        (root / "aimass.yaml").write_text("environments: {prod: {}}\n")
        mirror = "gateway: {host: churn.example.com, mirror: {model: churn-next}}"
        (root / "specs/churn.yaml").write_text(f"{BASE}serving: {{{mirror}}}\n")
        for name in others:
            (root / f"specs/{name}.yaml").write_text(BASE.replace("name: churn", f"name: {name}"))
        project = Project(root)
        return list(compile_specs(project, [root / "specs/churn.yaml"], upto=Upto.CHECK).findings)

    return situation


def hosts(*names: str) -> Situation:
    """A project has models with routes of these hosts."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "specs").mkdir()
        (root / "aimass.yaml").write_text("environments: {prod: {}}\n")
        for model, host in zip(("churn", "leavers"), names, strict=True):
            spec = BASE.replace("name: churn", f"name: {model}") + f"serving: {{gateway: {{host: {host}}}}}\n"
            (root / f"specs/{model}.yaml").write_text(spec)
        project = Project(root)
        return list(compile_specs(project, project.specs(), upto=Upto.CHECK).findings)

    return situation


def naming_code(defined: str | None) -> Situation:
    """A spec names `Spline` in a file that is not there, or that defines this."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "specs").mkdir()
        model = "model: {custom: {path: models/spline.py:Spline}}"
        spec = BASE.replace("model: logistic_regression", model)
        (root / "specs/churn.yaml").write_text(spec)
        if defined is not None:
            (root / "models").mkdir()
            (root / "models/spline.py").write_text(f"raise SystemExit\nclass {defined}:\n    pass\n")
        project = Project(root)
        return list(compile_specs(project, project.specs(), upto=Upto.CHECK).findings)

    return situation


def settings_in(file: str) -> Situation:
    """A project has its settings in this file."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / file).write_text("images: {registry: registry.example.com/ml}\n")
        return specs("churn.yaml")(root, patched)

    return situation


def proposing(
    file: str, content: str = TABLE, name: str = "churn", target: str | None = "churned"
) -> Situation:
    """A spec is proposed from a data file."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / file).write_text(content)
        return propose(root / file, file, name, InitOptions(target)).findings

    return situation


def without_polars(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
    patched.setitem(sys.modules, "polars", None)
    (root / "customers.parquet").write_bytes(b"PAR1")
    return propose(root / "customers.parquet", "customers.parquet", "churn")[1]


def creating(file: str) -> Situation:
    """A spec is created beside `churn.yaml`."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        (root / "churn.yaml").write_text(BASE)
        return create(root / file, BASE, f"specs/{file}")

    return situation


def unread(*files: str) -> Situation:
    """Files lie below specs/, beside a spec."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        for file in files:
            (root / "specs" / file).parent.mkdir(parents=True, exist_ok=True)
            (root / "specs" / file).write_text(BASE)
        return list(naming_of_files.unread(Project(root).strays()))

    return situation


def run_before(changed: str) -> Situation:
    """DVC ran a model, and then one of its values changed, or none."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        folder = root / "generated" / "churn"
        folder.mkdir(parents=True)
        pipeline = {"format": conventions.PIPELINE_FORMAT, "training": {"seed": 1 if changed else 0}}
        (folder / "pipeline.json").write_text(json.dumps(pipeline))
        (folder / "dvc.lock").write_text(
            "stages: {train: {cmd: c, params: {generated/churn/pipeline.json: {training: {seed: 0}}}}}"
        )
        return list(disagreements(root, ["churn"]))

    return situation


def replace(path: str, content: bytes) -> Callable[[Path], object]:
    """Write one file of the generated ones by hand."""
    return lambda root: (root / path).write_bytes(content)


def make_folder(root: Path) -> None:
    (root / "churn/dvc.yaml").unlink()
    (root / "churn/dvc.yaml").mkdir()


def repeating_a_key(times: int) -> Situation:
    """What is told beside each repetition of a key, in a spec with so many."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        read = parse(BASE.encode() + b"note: 1\n" * times, "specs/churn.yaml")
        found = compile_spec(read, Settings()).findings
        return [finding for finding in found if finding.code != "AM007"]

    return situation


def released(change: Callable[[Path], object] = Path.exists) -> Situation:
    """Two versions in git, of which the second is released in dev; then something is changed."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        patched.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
        for number in (1, 2):
            each = version(number)
            path = version_record.file_of(root, "churn", each.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(version_record.encoded(each))
        release(root, 2, version(2).name)
        for arguments in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "made"]):
            named = ["-c", "user.name=a", "-c", "user.email=a@b"]
            subprocess.run(["git", *named, *arguments], cwd=root, check=True)
        change(root)
        return list(record_check.findings(root))

    return situation


def release(root: Path, number: int, name: str) -> None:
    wanted = release_file.Release(
        environment="dev",
        model="churn",
        images={"churn": version_record.ImageDigest("registry.example.com/ml/churn", digest(number))},
        version=name,
    )
    path = release_file.file_of(root, "dev", "churn")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(release_file.edited(None, wanted))


def with_a_tag(root: Path) -> None:
    path = release_file.file_of(root, "dev", "churn")
    path.write_text(path.read_text().replace(f"digest: {digest(2)}", "newTag: latest"))


def with_another_metric(root: Path) -> None:
    changed = version_record.encoded(version(1, metrics={"test": {"roc_auc": 0.99}}))
    version_record.file_of(root, "churn", version(1).name).write_bytes(changed)


def with_a_copy(root: Path) -> None:
    copied = version_record.encoded(version(1))
    version_record.file_of(root, "churn", version(3).name).write_bytes(copied)


def with_a_rejection(root: Path) -> None:
    rejection = version_record.Rejection(reason="bad", by="a", at="2026-11-01T00:00:00Z")
    path = version_record.rejection_file(root, "churn", version(2).name)
    path.write_bytes(version_record.encoded(rejection))


def served_from(source: str) -> Callable[[Path], object]:
    """What pipeline.json says of where servers get the model."""
    serving = {"model": source, "replicas": {"min": 1, "max": 1}, "rollout": {"canary": []}}
    content = json.dumps({"environments": {"dev": {"serving": serving}}})

    def change(root: Path) -> None:
        path = root / "generated/churn/pipeline.json"
        path.parent.mkdir(parents=True)
        path.write_text(content)

    return change


SOUND = reading(BASE.encode())
MANY = f"{BASE}note: [{'0, ' * 100_001}]\n"
OWNED = f"{BASE}owner: Müller\n"
SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM001": (a_folder, SOUND),
    "AM002": (reading(b"age,churned\n" * 500_000), SOUND),
    "AM003": (reading(OWNED.encode("latin-1")), reading(OWNED.encode())),
    "AM004": (reading(BASE.encode() + b'note: "\x07"\n'), reading(BASE.encode() + b'note: "\\u0007"\n')),
    "AM010": (reading(MANY.encode()), SOUND),
    "AM020": (losing_comments, formatting),
    "AM550": (mirrored("churn-last"), mirrored("churn-next")),
    "AM030": (naming("churn/../aimass.yaml"), naming("churn/settings.yaml")),
    "AM031": (naming("churn/Base", "churn/base"), naming("churn/base")),
    "AM032": (writing_again(make_folder), writing_again(nothing)),
    "AM033": (writing_again(replace("churn/dvc.yaml", b"mine\n")), writing_again(nothing)),
    "AM034": (writing_again(replace("churn/inventory.json", b"<<<<<<<\n"), FILES["churn/dvc.yaml"]), SOUND),
    "AM035": (read_only, writing_again(nothing)),
    "AM036": (another_program, writing_again(nothing)),
    "AM037": (gone(with_lock=True), gone(with_lock=False)),
    "AM038": (repeating_a_key(20_000), repeating_a_key(50)),
    "AM039": (run_before("training.seed"), run_before("")),
    "AM060": (proposing("c.jsonl", '{"age": 41,\n'), proposing("c.csv")),
    "AM061": (proposing("c.xlsx"), proposing("c.csv")),
    "AM062": (proposing("c.csv", WIDE), proposing("c.csv")),
    "AM063": (proposing("c.csv", TABLE.partition("\n")[0] + "\n"), proposing("c.csv")),
    "AM064": (proposing("c.csv", target="since"), proposing("c.csv")),
    "AM065": (without_polars, proposing("c.csv")),
    "AM066": (proposing("c.csv", name="Churn_EU"), proposing("c.csv", name="churn-eu")),
    "AM067": (creating("churn.yaml"), creating("churn-eu.yaml")),
    "AM022": (reading(BASE.encode() + b"<<<<<<< HEAD\n# a\n=======\n# b\n>>>>>>> b\n"), SOUND),
    "AM023": (unread("risk/2026/churn.yaml", "churn.YAML"), unread("risk/churn.yaml")),
    "AM024": (specs("growth.yaml", "growth/churn.yaml"), specs("growth/growth.yaml", "growth/churn.yaml")),
    "AM025": (specs("fleet/churn.yaml"), specs("growth/churn.yaml")),
    "AM292": (specs("aimass-server.yaml"), specs("churn.yaml")),
    "AM293": (specs("churn-canary.yaml", "churn.yaml"), specs("churn-weekly.yaml", "churn.yaml")),
    "AM229": (naming_code("Splines"), naming_code("Spline")),
    "AM240": (naming_code(None), naming_code("Spline")),
    "AM208": (specs("churn.yaml", "churn.yml"), specs("churn.yaml")),
    "AM455": (hosts("m.example.com", "m.example.com"), hosts("c.example.com", "l.example.com")),
    "AM460": (released(with_a_tag), released()),
    "AM461": (released(lambda root: release(root, 9, "v2")), released()),
    "AM462": (released(lambda root: release(root, 2, version(1).name)), released()),
    "AM463": (released(with_another_metric), released()),
    "AM464": (released(with_a_copy), released()),
    "AM465": (released(with_a_rejection), released()),
    "AM466": (released(served_from("volume")), released(served_from("image"))),
    "AM209": (settings_in("aimass.yml"), settings_in("aimass.yaml")),
    **language_models.SITUATIONS,
    **policies.SITUATIONS,
    **sharing.SITUATIONS,
    **teams.SITUATIONS,
    **contracts.SITUATIONS,
}  # fmt: skip
