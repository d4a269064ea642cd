"""Images are built from pinned parts that their tags name, and run as nobody in particular."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

import aimass_compiler
from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts.onnx_graph import OnnxGraph
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import render
from aimass_compiler.render.image import package_install
from aimass_compiler.render.image.server_image import context, dockerfile, server_tag
from render.files import one, pod
from render.models import HOSTILE, pipeline

ROOT = Path(__file__).parents[2]
PINS = Path(aimass_compiler.__file__).parent / OnnxGraph.server.pins
INSTRUCTIONS = {
    "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "RUN", "USER",
}  # fmt: skip


def instructions(dockerfile: bytes) -> list[str]:
    """Each instruction on a line of its own, comments gone: a backslash continues a line."""
    lines = [line for line in dockerfile.decode().split("\n") if not line.lstrip().startswith("#")]
    return [line for line in "\n".join(lines).replace("\\\n", " ").split("\n") if line]


CONTEXT = context("python:3.11-slim", OnnxGraph.server)
SERVING = instructions(CONTEXT["Dockerfile"])
LAST_STAGE = SERVING[max(number for number, line in enumerate(SERVING) if line.startswith("FROM ")) :]
TRAINING = instructions(render(pipeline())["image/train.Dockerfile"])


def test_the_context_holds_all_that_is_copied_and_nothing_else() -> None:
    copied = [line.split()[1] for line in SERVING if line.startswith("COPY ") and "--from" not in line]
    assert sorted(copied) == ["app", "requirements.txt"]
    assert {path.partition("/")[0] for path in CONTEXT} == {*copied, "Dockerfile", ".dockerignore"}
    kept = {line[1:] for line in CONTEXT[".dockerignore"].decode().splitlines() if line.startswith("!")}
    assert kept == set(copied)


def test_the_server_is_brought_without_the_compiler() -> None:
    brought = {path.removeprefix("app/aimass_compiler/") for path in CONTEXT if path.startswith("app/")}
    assert brought >= {"__init__.py", "conventions.py", "runtime/server/__main__.py"}
    assert not [path for path in brought if path.endswith(".pyc") or path.startswith("render")]
    assert f"{OnnxGraph.server.example}/{conventions.MODEL_FILE}" in brought


def test_the_server_runs_from_the_folders_that_are_copied() -> None:
    kept = {line.split()[-1] for line in SERVING if line.startswith("COPY --from=build ")}
    (variables,) = [line for line in LAST_STAGE if line.startswith("ENV ")]
    assert kept == {"/opt/venv", *re.findall(r"(?:PATH|PREFIX)=(/opt/(?:app|bytecode))", variables)}
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
    modes = SERVING.index("RUN chmod -R u=rwX,go=rX /opt/app")
    assert SERVING[modes - 1] == "COPY app /opt/app"


def server(pipeline: Pipeline) -> str:
    """The tag of the image that serves a model."""
    return server_tag(context(pipeline.settings.images.python, pipeline.model.artifact.server))


def test_another_base_image_is_another_server_image() -> None:
    assert server(pipeline(settings={"images": {"python": "python:3.12-slim"}})) != server(pipeline())


@pytest.mark.parametrize("path", CONTEXT)
def test_each_file_that_the_image_is_built_from_is_named_by_its_tag(path: str) -> None:
    assert server_tag({**CONTEXT, path: CONTEXT[path] + b"#"}) != server_tag(CONTEXT)


def test_the_tag_of_the_server_begins_with_the_version_of_the_compiler() -> None:
    assert re.fullmatch(rf"{re.escape(aimass_compiler.__version__)}-[0-9a-f]{{12}}", server_tag(CONTEXT))


def test_models_share_one_server_image_and_no_file_of_theirs_names_it() -> None:
    others = pipeline({"metadata": {"name": "other", "owner": "others@example.com"}, "training": {"seed": 7}})
    assert server(others) == server(pipeline())
    assert [path for path in render(pipeline()) if path.startswith("image/")] == ["image/train.Dockerfile"]


def test_who_owns_a_model_changes_neither_its_images_nor_what_trains_it() -> None:
    others = render(pipeline({"metadata": {"owner": "others@example.com", "description": "Who leaves"}}))
    ours = render(pipeline())
    same = [path for path in ours if path.startswith(("image/", "train/")) and ours[path] == others[path]]
    assert same == [path for path in ours if path.startswith(("image/", "train/"))]
    assert pod(others) == pod(ours)
    noted = one(others, "base", "Deployment")["metadata"]["annotations"]
    assert noted == {
        "aimass.dev/owner": "others@example.com",
        "kubernetes.io/description": "Who leaves",
    }


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
    assert f"FROM {images['python']} AS build\n" in dockerfile(images["python"], OnnxGraph.server)
    assert f"FROM {images['ray']}\n".encode() in files["image/train.Dockerfile"]


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_a_spec_reaches_no_dockerfile(text: str) -> None:
    files = render(pipeline({"metadata": {"description": text, "owner": text}}))
    assert files["image/train.Dockerfile"] == render(pipeline())["image/train.Dockerfile"]


def test_an_image_that_is_none_never_reaches_the_file() -> None:
    files = render(pipeline(settings={"images": {"ray": "ray $(evil)"}}))
    assert b"evil" not in files["image/train.Dockerfile"]
    assert "evil" not in dockerfile("python:3\nRUN evil", OnnxGraph.server)


def test_what_trains_is_installed_in_the_versions_that_its_tag_stands_for() -> None:
    (pins,) = package_install.context().values()
    (installed,) = [line for line in TRAINING if "pip install" in line]
    assert f'echo "{hashlib.sha256(pins).hexdigest()}  /context/constraints.txt"' in installed
    assert "--constraint /context/constraints.txt" in installed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *project["optional-dependencies"]["run"]]
    wanted = {re.split(r"[^\w.-]", each)[0].replace(".", "-") for each in asked} - {"aimass-compiler"}
    # Ray is that of the base image, which Kubernetes starts.
    assert wanted - set(re.findall(r"(?m)^([\w.-]+)==", pins.decode())) == {"ray"}
