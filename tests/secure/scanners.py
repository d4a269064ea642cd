"""What each scanner finds in everything, in one form; and what it passed over because it is accepted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import kubernetes_validate
import yaml

from aimass_compiler.pipeline.waiver import Waiver
from secure.everything import ROOT, Everything
from secure.programs import program, run

KUBERNETES = "v1.34.0"
#: Optional rules of kube-score that are more than an opinion about classes of service.
_MORE_OF_KUBE_SCORE = ("container-seccomp-profile", "container-ports-check")
_BEST = 10
_REFERENCE = re.compile(r"#/\$defs/([^\"]+)")
#: GitHub has it since 2026-05-07, actionlint 1.7.12 does not know it (rhysd/actionlint#657).
QUEUE = 'unexpected key "queue" for "concurrency" section'
_BUILT_BY_GO = ("kube-score", "kubeconform", "actionlint")
#: It takes a backslash at the end of a string, which is escaped, for one that escapes the quote.
_UNREADABLE_BY_HADOLINT = ("varied-hostile-text",)


@dataclass(frozen=True)
class Found:
    """One finding."""

    rule: str
    where: str
    told: str


@dataclass(frozen=True)
class Report:
    """What a scanner says of so many files."""

    files: int
    findings: tuple[Found, ...]
    accepted: tuple[Found, ...] = ()


def kube_score(everything: Everything) -> Report:
    """Each file by itself: the objects of one namespace go together."""
    files = everything.manifest_files()
    findings = [found for path in files for found in _scores(path)]
    accepted = [
        found
        for path in files
        for found in _scores(path, "--disable-ignore-checks-annotations")
        if found not in findings
    ]
    return Report(len(files), tuple(findings), tuple(accepted))


def _scores(path: Path, *options: str) -> Iterator[Found]:
    more = (option for rule in _MORE_OF_KUBE_SCORE for option in ("--enable-optional-test", rule))
    version = KUBERNETES.rpartition(".")[0]
    asked = ("score", "--output-format=json", f"--kubernetes-version={version}", *more, *options)
    answer = run("kube-score", *asked, path)
    for scored in json.loads(answer.stdout) or []:  # null where nothing in the file is judged
        for check in scored["checks"]:
            if not check["skipped"] and check["grade"] < _BEST:
                told = "; ".join(comment["summary"] for comment in check["comments"] or [])
                where = f"{path.name}: {scored['object_name']}"
                yield Found(f"kube-score/{check['check']['id']}", where, told)


def checkov_manifests(everything: Everything) -> Report:
    """checkov on the manifests."""
    return _checkov(everything.manifests, "kubernetes", len(everything.manifest_files()))


def checkov_images(everything: Everything) -> Report:
    """checkov on the Dockerfiles."""
    return _checkov(everything.images, "dockerfile", len(everything.dockerfiles()))


def checkov_workflows(everything: Everything) -> Report:
    """checkov on the workflows."""
    return _checkov(everything.workflows, "github_actions", len(everything.workflow_files()))


def _checkov(folder: Path, framework: str, files: int) -> Report:
    answer = run(
        "checkov", "--directory", folder, "--framework", framework, "--compact", "--skip-download",
        "--output", "json",
    )  # fmt: skip
    told = json.loads(answer.stdout)
    assert "results" in told, f"checkov looked at nothing: {answer.stdout}{answer.stderr}"
    results = told["results"]
    assert not results["parsing_errors"], results["parsing_errors"]
    assert results["passed_checks"]
    failed, skipped = (tuple(map(_of_checkov, results[f"{kind}_checks"])) for kind in ("failed", "skipped"))
    return Report(files, failed, skipped)


def _of_checkov(check: dict[str, Any]) -> Found:
    where = f"{Path(check['file_path']).relative_to('/')}: {check['resource']}"
    return Found(check["check_id"], where, check["check_name"])


def kubeconform(everything: Everything) -> Report:
    """Every object against the schemas of its kind, unknown fields refused; no kind is passed over."""
    schemas = everything.manifests.parent / "schemas"
    _write_schemas(everything, schemas)
    own = ROOT / "tests" / "kubernetes" / "schemas"
    answer = run(
        "kubeconform", "-strict", "-output", "json", "-summary",
        "-schema-location", f"{own}/{{{{.ResourceKind}}}}_{{{{.ResourceAPIVersion}}}}.json",
        "-schema-location", f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json",
        *everything.manifest_files(),
    )  # fmt: skip
    told = json.loads(answer.stdout)
    assert any(told["summary"].values()), answer.stdout
    assert not told["summary"]["skipped"], answer.stdout
    found = (
        Found(resource["status"], f"{Path(resource['filename']).name}: {resource['name']}", resource["msg"])
        for resource in told["resources"]
    )
    return Report(len(everything.manifest_files()), tuple(found))


def _write_schemas(everything: Everything, folder: Path) -> None:
    """Kubernetes' own schemas of the kinds that occur, each with what it refers to."""
    package = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"
    source = package / f"{KUBERNETES}-local-strict"
    shared = json.loads((source / "_definitions.json").read_text(encoding="utf-8"))["$defs"]
    folder.mkdir()
    for path in everything.manifest_files():
        for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
            group, _, version = document["apiVersion"].rpartition("/")
            name = "-".join(filter(None, (document["kind"].lower(), group.partition(".")[0], version)))
            if (source / f"{name}.json").exists() and not (folder / f"{name}.json").exists():
                schema = json.loads((source / f"{name}.json").read_text(encoding="utf-8"))
                schema.pop("$id", None)
                text = json.dumps({**schema, "$defs": dict(_referred_to(schema, shared))})
                text = text.replace('"/api/_definitions.json#/', '"#/')
                (folder / f"{name}.json").write_text(text, encoding="utf-8")


def _referred_to(schema: Any, shared: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """The shared schemas that one needs, and those that they need."""
    known: set[str] = set()
    ahead = [schema]
    while ahead:
        for name in _REFERENCE.findall(json.dumps(ahead.pop())):
            if name not in known:
                known.add(name)
                ahead.append(shared[name])
                yield name, shared[name]


def hadolint(everything: Everything) -> Report:
    """Every rule, the least important ones too."""
    files = everything.dockerfiles()
    answer = run("hadolint", "--no-color", "--format", "json", "--disable-ignore-pragma", *files)
    found = [
        Found(told["code"], f"{Path(told['file']).parent.name}/{Path(told['file']).name}", told["message"])
        for told in json.loads(answer.stdout)
    ]
    unread = tuple(one for one in found if one.where.partition("/")[0] in _UNREADABLE_BY_HADOLINT)
    return Report(len(files), tuple(one for one in found if one not in unread), unread)


def zizmor(everything: Everything) -> Report:
    """As pedantic as it can be, without the network."""
    options = ("--offline", "--persona=pedantic", "--no-ignores", "--strict-collection", "--format=json")
    answer = run("zizmor", *options, everything.workflows / ".github")
    found = tuple(
        Found(told["ident"], str(told["locations"][0]["symbolic"]["key"]), told["desc"])
        for told in json.loads(answer.stdout)
    )
    return Report(len(everything.workflow_files()), found)


def actionlint(everything: Everything) -> Report:
    """With shellcheck, where that is, for what workflows run."""
    answer = run("actionlint", f"-ignore={QUEUE}", "-format", "{{json .}}", *everything.workflow_files())
    found = (
        Found(told["kind"], f"{Path(told['filepath']).name}:{told['line']}", told["message"])
        for told in json.loads(answer.stdout)
    )
    return Report(len(everything.workflow_files()), tuple(found))


def version(name: str) -> str:
    """What a scanner says that it is; those that Go builds do not know themselves, but Go does."""
    if name in _BUILT_BY_GO and program("go"):
        built = run("go", "version", "-m", str(program(name))).stdout.splitlines()
        told = next(line for line in built if line.startswith("\tmod\t"))
    else:
        told = run(name, "--version").stdout
    found = re.search(r"[0-9]+\.[0-9]+\.[0-9]+", told)
    return found[0] if found else "unknown"


def idle(waivers: Iterable[Waiver], reports: Iterable[Report]) -> list[Waiver]:
    """The waivers of rules that find nothing where they are accepted."""
    met = [found for report in reports for found in report.accepted]
    return [
        waiver
        for waiver in waivers
        if waiver.is_of_scanner
        and not any(waiver.code == found.rule and _is_at(found, waiver) for found in met)
    ]


def _is_at(found: Found, waiver: Waiver) -> bool:
    """Files are called by the model and the environment, or by `train`."""
    if waiver.at is None or waiver.at == "serving":
        return waiver.at is None or "-train.yaml" not in found.where
    return f"-{waiver.at.removeprefix('environments.').removesuffix('ing')}.yaml" in found.where


#: The program, what it looks at, and how.
SCANNERS: tuple[tuple[str, str, Callable[[Everything], Report]], ...] = (
    ("kube-score", "manifests", kube_score),
    ("checkov", "manifests", checkov_manifests),
    ("kubeconform", "manifests", kubeconform),
    ("hadolint", "Dockerfiles", hadolint),
    ("checkov", "Dockerfiles", checkov_images),
    ("zizmor", "workflows", zizmor),
    ("actionlint", "workflows", actionlint),
    ("checkov", "workflows", checkov_workflows),
)
