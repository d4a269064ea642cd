"""The commands that install the compiler in a job: by hash, and nothing is built by what is not pinned."""

from __future__ import annotations

from aimass_compiler.pipeline.ci import CompilerOrigin

_BY_HASH = "uv pip install --require-hashes --only-binary :all:"
#: DVC brings this one, which has no wheel: it is built with the pinned setuptools.
_BUILT = "--no-binary antlr4-python3-runtime --no-build-isolation"


def installing(compiler: CompilerOrigin, pins: str) -> list[str]:
    """Lines of a shell that install what `requirements/PINS.txt` pins, and the compiler, into .venv.

    `core` compiles, `cluster` applies, and `train` runs models.
    """
    is_built = compiler.source is not None or compiler.git is not None or pins == "train"
    file = f"requirements/{pins}.txt"
    lines = [*_held_to(compiler, file), "uv venv"]
    if is_built:
        lines.append(f"{_BY_HASH} -r requirements/build.txt")
    lines.append(f"{_BY_HASH} {_BUILT if pins == 'train' else ''}".rstrip() + f" -r {file}")
    if compiler.git is not None:
        address = f"aimass-compiler @ git+{compiler.git}@{compiler.commit}"
        lines.append(f'uv pip install --no-deps --no-build-isolation "{address}"')
    elif compiler.source is not None:
        lines.append(f"uv pip install --no-deps --no-build-isolation {_folder(compiler.source)}")
    elif compiler.wheel is not None:
        lines.append(f"uv pip install --no-deps ./{compiler.wheel}")
    return lines


def wheels_for_images(compiler: CompilerOrigin) -> tuple[list[str], str]:
    """Lines of a shell that bring a wheel of the compiler, and the options that images find it by.

    They run where `installing` ran, so that what builds the wheel is pinned; a release comes from its index.
    """
    if compiler.wheel is not None:
        return [], f'--wheels "{compiler.wheel.rpartition("/")[0] or "."}"'
    if compiler.version is not None:
        if compiler.index is None:
            return [], ""
        line = f"printf '[global]\nindex_url = %s\n' '{compiler.index}' > \"$RUNNER_TEMP/pip.conf\""
        return [line], '--pip-conf "$RUNNER_TEMP/pip.conf"'
    lines, folder = [], _folder(compiler.source or "")
    if compiler.git is not None:
        folder = '"$RUNNER_TEMP/compiler"'
        lines = [
            f"git clone --quiet --no-checkout {compiler.git} {folder}",
            f"git -C {folder} checkout --quiet {compiler.commit}",
        ]
    out = '"$RUNNER_TEMP/wheels"'
    build = f"uv build --quiet --wheel --no-build-isolation --out-dir {out} {folder}"
    return [*lines, build], f"--wheels {out}"


def _held_to(compiler: CompilerOrigin, file: str) -> list[str]:
    """What ends the job where the pins are of another release than the settings say."""
    if compiler.version is None:
        return []
    pin = f"aimass-compiler=={compiler.version}"
    message = (
        f"::error title=No compiler::{file} does not pin {pin}; docs/gitops.md of aimass-compiler says how"
    )
    return [f"grep -q '^{pin} ' {file} || {{ echo '{message}' >&2; exit 1; }}"]


def _folder(source: str) -> str:
    return "." if source == "." else f"./{source}"
