"""The text of both Dockerfiles; what comes from a spec passes `label` or `reference`, or does not get in."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

import aimass_compiler
from aimass_compiler import __version__, conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import header
from aimass_compiler.render.image.escaping import label, reference
from aimass_compiler.render.security import is_assigned

_HEALTH_SECONDS = 2
_VENV, _APP, _BYTECODE = "/opt/venv", "/opt/app", "/opt/bytecode"


def serving(pipeline: Pipeline) -> str:
    """The small image: wheels, the server's sources and the package."""
    about, base, user = pipeline.metadata, reference(pipeline.settings.images.python), conventions.RUN_AS_USER
    package = conventions.IMAGE_PACKAGE_FOLDER
    return f"""\
{header(about.name)}# Build it in the package's folder: docker build artifacts/{about.name}/package
{_build(base)}
FROM {base}

LABEL org.opencontainers.image.title={label(about.name)} \\
      org.opencontainers.image.description={label(about.description)} \\
      org.opencontainers.image.authors={label(about.owner)}

ENV PATH={_VENV}/bin:$PATH \\
    PYTHONPATH={_APP} \\
    PYTHONPYCACHEPREFIX={_BYTECODE} \\
    PYTHONUNBUFFERED=1 \\
    PYTHONDONTWRITEBYTECODE=1

# What changes least comes first: models of one compiler version share all layers but the last.
COPY --from=build {_VENV} {_VENV}
COPY --from=build {_APP} {_APP}
COPY --from=build {_BYTECODE} {_BYTECODE}
COPY --from=build {package} {package}

USER {user}:{user}
EXPOSE {conventions.PORT}
HEALTHCHECK --interval=10s --timeout={_HEALTH_SECONDS + 1}s --start-period=120s --retries=3 \\
  CMD {_health_check()}
ENTRYPOINT ["python", "-m", "aimass_compiler.runtime.server", {json.dumps(package)}]
"""


def _build(base: str) -> str:
    """The stage that installs and tries the server, and leaves what the image copies."""
    package = conventions.IMAGE_PACKAGE_FOLDER
    return f"""\
FROM {base} AS build

# Only what is asked for below becomes bytecode, and always the same.
ENV PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0

# The pins that the image's tag stands for, and no others: `aimass image` brings those that are installed.
COPY requirements.txt /build/requirements.txt
RUN echo "{_digest_of_pins()}  /build/requirements.txt" >/build/pins \\
 && sha256sum -c /build/pins

# Wheels with known hashes only: nothing is compiled, and nothing unexpected is installed. Where the build is
# given the secret `pip`, a pip.conf, that names the package index, and `certificates` is whom it may trust.
# Tests, and what onnxruntime makes models with, are no use to a server.
RUN --mount=type=secret,id=pip --mount=type=secret,id=certificates \\
    python -m venv --without-pip {_VENV} \\
 && PIP_CONFIG_FILE=/run/secrets/pip python -m pip --python {_VENV}/bin/python install \\
      --no-cache-dir --disable-pip-version-check --no-compile \\
      --only-binary=:all: --require-hashes --requirement /build/requirements.txt \\
 && find {_VENV} -type d \\( -path '*/tests' -o -path '*/onnxruntime/quantization' \\
      -o -path '*/onnxruntime/tools' -o -path '*/onnxruntime/transformers' \\) -prune -exec rm -r {{}} +

COPY app {_APP}
COPY model {package}
# Whoever checked it out, all may read it and nobody may change it.
RUN chmod -R u=rwX,go=rX {_APP} {package}
# A package that does not serve ends the build. What serving loads becomes bytecode now: the file system is
# read-only then, and the base image has none, not even of the standard library.
RUN PYTHONPATH={_APP} {_VENV}/bin/python -m aimass_compiler.runtime.server.rehearsal \\
      {package} /build/loaded \\
 && PYTHONPYCACHEPREFIX={_BYTECODE} {_VENV}/bin/python -m compileall -q \\
      --invalidation-mode unchecked-hash -i /build/loaded
"""


def training(pipeline: Pipeline) -> str:
    """Ray's image with this very version of the package, and what the model needs."""
    about, extras = pipeline.metadata, ",".join(sorted({"run", pipeline.model.requires}))
    return f"""\
{header(about.name)}# Build it with any folder as context: docker build --file train.Dockerfile .
FROM {reference(pipeline.settings.images.ray)}

LABEL org.opencontainers.image.title={label(f"{about.name}-train")} \\
      org.opencontainers.image.authors={label(about.owner)}

# Where this very version lies if it is in no index: the address of a wheel, or of a page that lists it.
ARG PIP_FIND_LINKS
# The secrets `pip` and `certificates` say which index, as for the image that serves.
RUN --mount=type=secret,id=pip,mode=0444 --mount=type=secret,id=certificates,mode=0444 \\
    PIP_CONFIG_FILE=/run/secrets/pip python -m pip install --no-cache-dir --disable-pip-version-check \\
      "aimass-compiler[{extras}]=={__version__}"
{_home_for_all(pipeline)}
# Ray reports its use to its makers unless it is told not to.
ENV RAY_USAGE_STATS_ENABLED=0

# Ray's operator asks whether it is well: nothing in the image alone would answer.
HEALTHCHECK NONE
# The user `ray` of the base image, as a number that Kubernetes can check.
USER 1000:100
"""


def _home_for_all(pipeline: Pipeline) -> str:
    """Lets users that the platform assigns, all of group 0, enter the folder that Ray's Python lies in."""
    if not is_assigned(pipeline.settings):
        return ""
    return """
# The platform runs it as a user that it assigns, in group 0.
USER 0
RUN chgrp 0 "$HOME" && chmod g+rx "$HOME"
"""


@cache
def _digest_of_pins() -> str:
    pins = Path(aimass_compiler.__file__).parent / conventions.SERVER_PINS
    return hashlib.sha256(pins.read_bytes()).hexdigest()


def _health_check() -> str:
    """Kubernetes ignores it; it is for who runs the image with Docker alone."""
    url = f"http://127.0.0.1:{conventions.PORT}{conventions.READY_PATH}"
    program = f"import urllib.request; urllib.request.urlopen('{url}', timeout={_HEALTH_SECONDS})"
    return json.dumps(["python", "-c", program])
