"""The workflows' scripts, run as the workflows do, against a registry and a token service of ours."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scripts.cluster import programs
from tests.loopback import Answers, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

SCRIPTS = Path(__file__).parents[2] / ".github" / "scripts"
OVERLAY = "generated/churn/overlays/dev"
#: The one on the PATH, else the one that was built for the control plane.
KUSTOMIZE = shutil.which("kustomize") or programs.ready("kustomize")
needs_kustomize = pytest.mark.skipif(
    KUSTOMIZE is None, reason="kustomize is not on the PATH, and was not built"
)
needs_jq = pytest.mark.skipif(shutil.which("jq") is None, reason="no jq, which every system has a package of")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with one overlay, and a folder for programs of its own."""
    (tmp_path / OVERLAY).mkdir(parents=True)
    (tmp_path / OVERLAY / "kustomization.yaml").write_text("kind: Kustomization\nnamespace: ml-dev\n")
    (tmp_path / "bin").mkdir()
    return tmp_path


def run(script: str, *arguments: str, project: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    places = [str(project / "bin"), os.environ["PATH"], *([str(Path(KUSTOMIZE).parent)] if KUSTOMIZE else [])]
    environment = {**os.environ, "PATH": ":".join(places), **variables}
    command = [SCRIPTS / script, *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("rendered", "told"),
    [
        (["dev", "prod", "staging"], ""),
        (["dev", "prod"], "aimass.yaml has dev, prod, and apply.yml has jobs for dev, prod, staging"),
        (["dev", "prod", "staging", "live"], "aimass.yaml has dev, live, prod, staging, and apply.yml has"),
        (["dev", "prod", "test"], "aimass.yaml has dev, prod, test, and apply.yml has"),
    ],
)
def test_environments_that_no_job_applies_end_the_run(project: Path, rendered: list[str], told: str) -> None:
    for name in rendered:
        (project / "generated" / "churn" / "overlays" / name).mkdir(exist_ok=True)
    done = run("environments.sh", "dev", "staging", "prod", project=project)
    assert (done.returncode, bool(done.stderr)) == (1 if told else 0, bool(told))
    assert told in done.stderr


def test_where_nothing_is_rendered_no_environment_is_missed(tmp_path: Path) -> None:
    assert run("environments.sh", "dev", project=tmp_path).returncode == 0


def name_image(project: Path, repository: str) -> None:
    """Let the overlay name an image."""
    pod = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: churn}\nspec: {containers: [{name: a, image: churn}]}\n"
    )
    (project / OVERLAY / "pod.yaml").write_text(pod)
    (project / OVERLAY / "kustomization.yaml").write_text(
        "kind: Kustomization\nresources: [pod.yaml]\n"
        f"images: [{{name: churn, newName: {repository}, newTag: spec-1}}]\n"
    )


@needs_kustomize
@needs_jq
@pytest.mark.parametrize(
    ("answer", "status", "missing"),
    [
        ("", 0, "[]"),
        ("ERROR: ghcr.io/example/churn:spec-1: not found", 1, '["churn"]'),
        ("ERROR: failed to resolve source: ghcr.io/example/churn:spec-1: not found", 1, '["churn"]'),
        ("manifest unknown: The named manifest is not known to the registry.", 1, '["churn"]'),
    ],
)
def test_an_image_is_missing_when_the_registry_says_so(
    project: Path, answer: str, status: int, missing: str
) -> None:
    found = images_found(project, answer, status)
    assert (found.returncode, found.stdout) == (0, f"registry=configured\nmissing={missing}\n")


@needs_kustomize
@needs_jq
@pytest.mark.parametrize(
    "answer",
    [
        "ERROR: unexpected status from HEAD request to https://ghcr.io/v2/churn: 503 Service Unavailable",
        "ERROR: ghcr.io/example/churn:spec-1: failed to authorize: 401 Unauthorized",
        "ERROR: dial tcp: lookup ghcr.io: no such host",
        "docker: command not found",
        "no such manifest: ghcr.io/example/churn:spec-1",
        "",
    ],
)
def test_a_registry_that_does_not_answer_ends_the_run_with_its_words(project: Path, answer: str) -> None:
    found = images_found(project, f"{answer}\nsecond line", 1)
    assert (found.returncode, found.stdout) == (1, "")
    assert f"is there::{answer}%0Asecond line\n" in found.stderr


def images_found(project: Path, answer: str, status: int) -> subprocess.CompletedProcess[str]:
    """What missing-images.sh does with a registry that answers so."""
    name_image(project, "ghcr.io/example/churn")
    docker = project / "bin" / "docker"
    docker.write_text(
        '#!/bin/sh\n[ "$1" = login ] && exec cat >/dev/null\nprintf %s "$ANSWER" >&2\nexit "$STATUS"\n',
        encoding="utf-8",
    )
    docker.chmod(0o755)
    variables = {
        "REGISTRY_USER": "me",
        "REGISTRY_PASSWORD": "secret",
        "ANSWER": answer,
        "STATUS": str(status),
    }
    return run("missing-images.sh", project=project, **variables)


@needs_kustomize
@needs_jq
def test_without_a_registry_nothing_is_missing(project: Path) -> None:
    name_image(project, "registry.example.com/ml/churn")
    assert run("image-of.sh", "churn", project=project).stdout == "registry.example.com/ml/churn:spec-1\n"
    found = run("missing-images.sh", project=project)
    assert (found.returncode, found.stdout) == (0, "registry=none\nmissing=[]\n")
    assert "images.registry" in found.stderr


@needs_kustomize
@pytest.mark.parametrize("status", [0, 1])
def test_what_is_pushed_is_told_by_tag_and_digest(project: Path, status: int) -> None:
    name_image(project, "ghcr.io/example/churn")
    for name, text in {
        "docker": 'read -r password; echo "$*: $password" >&2',
        "aimass": f'echo compiled; echo "ghcr.io/example/churn@sha256:1"; exit {status}',
    }.items():
        (project / "bin" / name).write_text(f"#!/bin/sh\n{text}\n")
        (project / "bin" / name).chmod(0o755)
    (project / "artifacts/churn/evaluate").mkdir(parents=True)
    (project / "artifacts/churn/evaluate/metrics.json").write_text("{}\n")
    summary = project / "summary"
    variables = {"REGISTRY_USER": "ci", "REGISTRY_PASSWORD": "s", "GITHUB_STEP_SUMMARY": str(summary)}
    done = run("push-image.sh", "churn", project=project, **variables)
    assert done.returncode == status
    assert "login ghcr.io --username ci --password-stdin: s" in done.stderr
    pushed = "Pushed `ghcr.io/example/churn:spec-1`, which is `ghcr.io/example/churn@sha256:1`."
    assert (pushed in summary.read_text()) if status == 0 else not summary.exists()


@needs_kustomize
def test_an_image_is_also_called_as_it_will_be_with_the_record_of_its_run(project: Path) -> None:
    name_image(project, "ghcr.io/example/churn")
    program(project, "docker", 'echo "$*" >> calls; cat >/dev/null')
    program(
        project, "aimass", f"sed -i s/spec-1/spec-2/ {OVERLAY}/kustomization.yaml; echo ghcr.io/x@sha256:1"
    )
    (project / "artifacts/churn/evaluate").mkdir(parents=True)
    (project / "artifacts/churn/evaluate/metrics.json").write_text("{}\n")
    variables = {
        "REGISTRY_USER": "ci",
        "REGISTRY_PASSWORD": "s",
        "GITHUB_STEP_SUMMARY": str(project / "told"),
    }
    assert run("push-image.sh", "churn", project=project, **variables).returncode == 0
    wanted = "buildx imagetools create --tag ghcr.io/example/churn:spec-1 ghcr.io/x@sha256:1"
    assert (project / "calls").read_text().splitlines()[-1] == wanted
    assert (
        "With the `dvc.lock` of this run it is `ghcr.io/example/churn:spec-2`."
        in (project / "told").read_text()
    )


def program(project: Path, name: str, text: str) -> None:
    """A program that the scripts call."""
    path = project / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


#: Notes how it was called, and makes what `uv venv` and a release of the compiler would bring.
UV = """\
echo "$*" >> calls
mkdir -p .venv/bin
case "$*" in
  *" ." | *"$RELEASED"*) touch .venv/bin/aimass && chmod +x .venv/bin/aimass ;;
esac
"""


def installed(project: Path, own: bool, released: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """What install.sh does for a job that applies, and what it lets uv do."""
    (project / "requirements").mkdir()
    for name in ("build", "cluster"):
        (project / f"requirements/{name}.txt").write_text("a==1 --hash=sha256:0\n")
    name = "aimass-compiler" if own else "models"
    (project / "pyproject.toml").write_text(f'[project]\nname = "{name}"\n')
    program(project, "uv", UV)
    done = run("install.sh", "cluster", project=project, RELEASED=released)
    return done, (project / "calls").read_text().splitlines()


@pytest.mark.parametrize("own", [True, False])
def test_nothing_is_installed_that_is_not_pinned(project: Path, own: bool) -> None:
    done, calls = installed(project, own, "nothing" if own else "cluster.txt")
    assert (done.returncode, calls[0]) == (0, "venv")
    from_index = [call for call in calls[1:] if not call.endswith(" .")]
    assert [call.rpartition(" ")[2] for call in from_index] == [
        "requirements/build.txt",
        "requirements/cluster.txt",
    ]
    assert all("--require-hashes --only-binary :all: " in call for call in from_index)
    from_sources = ["pip install --no-deps --no-build-isolation ."] if own else []
    assert [call for call in calls[1:] if call.endswith(" .")] == from_sources


def test_a_repository_that_pins_no_release_is_told_so(project: Path) -> None:
    done, _ = installed(project, own=False, released="nothing")
    assert done.returncode == 1
    assert "requirements/cluster.txt pins no release of aimass-compiler" in done.stderr
    (project / "requirements/build.txt").unlink()
    done = run("install.sh", "cluster", project=project)
    assert "requirements/build.txt is missing: docs/gitops.md" in done.stderr


@pytest.mark.parametrize("remote", ["", "store s3://bucket"])
def test_what_was_made_is_kept_where_dvc_has_a_remote(project: Path, remote: str) -> None:
    program(project, "dvc", f'case "$1" in remote) printf "%s" "{remote}";; *) echo "$*" >> calls;; esac')
    program(project, "python", 'echo "python $*" >> calls')
    (project / "data").mkdir()
    (project / "data/prepare.py").touch()
    assert run("get-data.sh", project=project).returncode == 0
    done = run("keep-results.sh", "churn", project=project)
    assert done.returncode == 0
    calls = (project / "calls").read_text().splitlines()
    with_remote = ["pull --allow-missing", "push generated/churn/dvc.yaml"]
    assert calls == (with_remote if remote else ["python data/prepare.py"])
    assert ("No DVC remote" in done.stdout) is not bool(remote)


@needs_kustomize
def test_overlays_and_training_jobs_are_held_to_schemas_that_are_fetched_once(project: Path) -> None:
    name_image(project, "ghcr.io/example/churn")
    shutil.copytree(project / OVERLAY, project / "generated/churn/train")
    program(project, "kubeconform", 'echo "$*" >> calls; for last; do :; done; ls "$last" >> calls')
    assert run("conform.sh", project=project).returncode == 0
    call, *files = (project / "calls").read_text().splitlines()
    assert files == ["generated.churn.overlays.dev.yaml", "generated.churn.train.yaml"]
    assert " -cache " in call


class TokenService(Answers):
    """Answers like GitHub's token service, with what it was asked as the token."""

    def do_GET(self) -> None:
        self.answer(200, json.dumps({"value": f"{self.headers['Authorization']} {self.path}"}).encode())


@pytest.fixture
def token_service() -> Iterator[str]:
    """The address of a TokenService."""
    with Server(TokenService) as server:
        yield f"http://{server.place}/token?api-version=2.0"


@needs_jq
def test_kubectl_gets_a_token_for_the_audience(project: Path, token_service: str) -> None:
    variables = {"ACTIONS_ID_TOKEN_REQUEST_URL": token_service, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "secret"}
    answered = run("github-token.sh", project=project, AUDIENCE="my-cluster", **variables)
    assert json.loads(answered.stdout) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "status": {"token": "bearer secret /token?api-version=2.0&audience=my-cluster"},
    }


def test_a_given_kubeconfig_is_written_for_its_owner_only(project: Path) -> None:
    path = project / "kubeconfig"
    variables = {"SERVER": "", "CERTIFICATE_AUTHORITY": "", "GIVEN_KUBECONFIG": "kind: Config"}
    assert run("log-in.sh", project=project, KUBECONFIG=str(path), **variables).returncode == 0
    assert path.read_text() == "kind: Config\n"
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_environment_without_a_cluster_is_told_what_it_lacks(project: Path) -> None:
    variables = {"SERVER": "", "CERTIFICATE_AUTHORITY": "", "GIVEN_KUBECONFIG": "", "KUBECONFIG": "unused"}
    done = run("log-in.sh", project=project, **variables)
    assert done.returncode == 1
    assert "KUBE_SERVER" in done.stdout
