"""Images are built from what the package stage assembles, pinned, and run as nobody in particular."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import pytest

import aimass_compiler
from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import render
from aimass_compiler.render.image.tag import tag
from aimass_compiler.render.shared import Shared
from aimass_compiler.runtime.packaging.context import assemble
from aimass_compiler.runtime.workspace import Workspace
from render.files import kustomization
from render.models import HOSTILE, pipeline

PINS = Path(aimass_compiler.__file__).parent / conventions.SERVER_PINS
INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER",
}  # fmt: skip


def instructions(dockerfile: bytes) -> list[str]:
    """Each instruction on a line of its own, comments gone: a backslash continues a line."""
    lines = [line for line in dockerfile.decode().split("\n") if not line.lstrip().startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").split("\n") if line]


SERVING = instructions(render(pipeline())["image/Dockerfile"])
LAST_STAGE = SERVING[max(number for number, line in enumerate(SERVING) if line.startswith("FROM ")) :]
TRAINING = instructions(render(pipeline())["image/train.Dockerfile"])


def test_the_assembled_context_holds_all_that_is_copied(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path, "churn")
    for name, content in render(pipeline()).items():
        path = workspace.generated / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (workspace.folder("package") / "model").mkdir()
    context = assemble(workspace)
    copied = [line.split()[1] for line in SERVING if line.startswith("COPY ") and "--from" not in line]
    assert sorted(copied) == ["app", "model", "requirements.txt"]
    for name in (*copied, "Dockerfile", ".dockerignore"):
        assert (context / name).exists()
    kept = {line[1:] for line in (context / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert kept == set(copied)
    served = context / "app" / "aimass_compiler" / "runtime" / "server" / "__main__.py"
    assert served.is_file()


def test_the_server_runs_from_the_folders_that_are_copied() -> None:
    package = conventions.IMAGE_PACKAGE_FOLDER
    assert f"COPY --from=build {package} {package}" in SERVING
    kept = {line.split()[-1] for line in SERVING if line.startswith("COPY --from=build ")}
    (variables,) = [line for line in LAST_STAGE if line.startswith("ENV ")]
    assert kept == {package, "/opt/venv", *re.findall(r"(?:PATH|PREFIX)=(/opt/(?:app|bytecode))", variables)}
    assert SERVING[-1] == (
        f'ENTRYPOINT ["python", "-m", "aimass_compiler.runtime.server", "{conventions.IMAGE_PACKAGE_FOLDER}"]'
    )


def test_the_serving_image_holds_no_installer_of_its_own_and_compiles_nothing() -> None:
    stages = [line.split()[-1] for line in SERVING if line.startswith("FROM ")]
    assert stages == ["build", "python:3.11-slim"]
    assert not [line for line in LAST_STAGE if line.startswith("RUN ")]
    (install,) = [line for line in SERVING if " pip " in line]
    assert "--only-binary=:all:" in install
    assert "--require-hashes" in install


def test_every_pin_of_the_server_has_a_version_and_a_hash_and_no_place() -> None:
    pins = PINS.read_text()
    assert "://" not in pins
    blocks = pins.replace("\\\n", " ").splitlines()
    assert any(block.startswith("onnxruntime==") for block in blocks)
    for block in blocks:
        assert "==" in block
        assert "--hash=sha256:" in block


def test_the_dockerfile_takes_no_other_pins_than_those_of_its_compiler() -> None:
    digest = hashlib.sha256(PINS.read_bytes()).hexdigest()
    (check,) = [place for place, line in enumerate(SERVING) if "sha256sum -c /build/pins" in line]
    (install,) = [place for place, line in enumerate(SERVING) if " pip " in line]
    assert SERVING[check].startswith(f'RUN echo "{digest}  /build/requirements.txt" >/build/pins ')
    assert check < install


def test_the_package_index_is_told_by_secrets_that_no_layer_keeps() -> None:
    (install,) = [line for line in SERVING if " pip " in line]
    assert install.startswith("RUN --mount=type=secret,id=pip --mount=type=secret,id=certificates ")
    assert "PIP_CONFIG_FILE=/run/secrets/pip python -m pip " in install
    assert not [line for line in (*SERVING, *TRAINING) if "index" in line.lower()]


def test_a_build_of_the_same_writes_the_same_bytes() -> None:
    (variables,) = [line for line in SERVING if line.startswith("ENV ") and line not in LAST_STAGE]
    assert variables.split()[1:] == ["PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0"]
    compiling = [line for line in SERVING if "compileall" in line]
    assert ["--invalidation-mode unchecked-hash" in line for line in compiling] == [True]
    modes = SERVING.index("RUN chmod -R u=rwX,go=rX /opt/app /model")
    assert SERVING[modes - 2 : modes] == [
        "COPY app /opt/app",
        f"COPY model {conventions.IMAGE_PACKAGE_FOLDER}",
    ]


def tag_of(each: Pipeline) -> str:
    """The one tag that all overlays of a pipeline have."""
    files = render(each)
    images = [kustomization(files, f"overlays/{name}")["images"] for name in each.environments]
    (found,) = {image["newTag"] for (image,) in images}
    return str(found)


@pytest.mark.parametrize("changes", [{"search": {"trials": 21}}, {"objective": {"metric": "f1"}}], ids=str)
def test_another_model_has_another_tag(changes: dict[str, Any]) -> None:
    assert tag_of(pipeline(changes)) != tag_of(pipeline())


def test_another_base_image_is_another_tag() -> None:
    assert tag_of(pipeline(settings={"images": {"python": "python:3.12-slim"}})) != tag_of(pipeline())


def test_what_the_image_does_not_hold_leaves_its_tag() -> None:
    scaled = pipeline({"serving": {"replicas": {"max": 11}}, "monitoring": {"runbook": None}})
    others = pipeline({"metadata": {"owner": "others@example.com", "description": "Who leaves"}})
    assert tag_of(others) == tag_of(pipeline())
    elsewhere = pipeline(settings={"images": {"registry": "ghcr.io/example", "ray": "rayproject/ray:2.60.0"}})
    assert tag_of(scaled) == tag_of(elsewhere) == tag_of(pipeline())


def test_the_tag_covers_the_dockerfile_the_model_and_the_version() -> None:
    nobodys = pipeline({"metadata": {"owner": "", "description": ""}})
    dockerfile, trained_from = render(nobodys)["image/Dockerfile"], Shared(nobodys).training_file
    version = aimass_compiler.__version__
    assert tag_of(pipeline()) == tag(dockerfile, trained_from, version)
    others = [tag(dockerfile + b"#", trained_from, version), tag(dockerfile, trained_from + b" ", version)]
    others += [tag(dockerfile, trained_from, "99.0.0")]
    assert len({tag_of(pipeline()), *others}) == 1 + len(others)


def test_images_run_as_a_number_that_is_not_root() -> None:
    assert [line for line in SERVING if line.startswith("USER ")] == [
        f"USER {conventions.RUN_AS_USER}:{conventions.RUN_AS_USER}"
    ]
    assert [line for line in TRAINING if line.startswith("USER ")] == ["USER 1000:100"]


def test_training_installs_this_very_version_with_what_the_model_needs() -> None:
    (wanted,) = [line for line in TRAINING if " pip install " in line]
    assert wanted.endswith(f' "aimass-compiler[run,xgboost]=={aimass_compiler.__version__}"')


def test_training_reports_its_use_to_nobody() -> None:
    assert "ENV RAY_USAGE_STATS_ENABLED=0" in TRAINING


def test_training_may_read_the_package_index_as_the_user_of_its_base() -> None:
    (install,) = [line for line in TRAINING if " pip " in line]
    assert install.count(",mode=0444 ") == install.count("--mount=type=secret,id=") == 2


def test_base_images_are_the_organisations() -> None:
    digest = "@sha256:" + "0" * 64
    images = {
        "python": f"mirror.example.com:5000/python:3.12-slim{digest}",
        "ray": f"mirror/ray:2.60.0{digest}",
    }
    files = render(pipeline(settings={"images": images}))
    assert f"FROM {images['python']} AS build\n".encode() in files["image/Dockerfile"]
    assert f"FROM {images['ray']}\n".encode() in files["image/train.Dockerfile"]


def test_a_digest_on_record_is_what_the_cluster_runs() -> None:
    digest = "sha256:" + "0" * 64
    tag, training = tag_of(pipeline()), Shared(pipeline()).training_tag
    digests = {"churn": f"{tag}@{digest}", "churn-train": f"{training}@{digest}"}
    files = render(pipeline(settings={"images": {"digests": digests}}))
    (image,) = kustomization(files, "overlays/prod")["images"]
    assert (image["newTag"], image["digest"]) == (tag, digest)
    assert f"churn-train:{training}@{digest}".encode() in files["train/job.yaml"]


def test_a_digest_of_another_tag_is_not_used() -> None:
    digests = {"churn": "spec-0123456789ab@sha256:" + "0" * 64}
    files = render(pipeline(settings={"images": {"digests": digests}}))
    assert "digest" not in kustomization(files, "overlays/prod")["images"][0]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_spec_stays_inside_of_its_label(text: str) -> None:
    files = render(pipeline({"metadata": {"description": text, "owner": text}}))
    for name in ("image/Dockerfile", "image/train.Dockerfile"):
        found = instructions(files[name])
        assert {line.split()[0] for line in found} <= INSTRUCTIONS
        assert not [line for line in found if "evil" in line and not line.startswith("LABEL ")]
        (labels,) = [line for line in found if line.startswith("LABEL ")]
        assert re.fullmatch(r'LABEL( +[a-z.]+="([^"\\$]|\\.)*")+', labels)


def test_an_image_that_is_none_never_reaches_the_file() -> None:
    images = {"python": "python:3\nRUN evil", "ray": "ray $(evil)"}
    files = render(pipeline(settings={"images": images}))
    assert b"evil" not in files["image/Dockerfile"] + files["image/train.Dockerfile"]
