"""The server's image: built as users build it, built again elsewhere, and refused with other wheels."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.programs.image_builders import named
from benchmarks.images.project import aimass
from benchmarks.images.store import BuildFailed, run

if TYPE_CHECKING:
    from benchmarks.images.store import Store

#: Stands in the pip.conf of every build, and nowhere else.
SENTINEL = "sentinel-of-a-package-index"
_HASH = re.compile(r"--hash=sha256:[0-9a-f]")
_DIGEST = re.compile(rb'echo "[0-9a-f]{64}  ')


def build(store: Store, folder: Path, options: list[str]) -> tuple[str, Path]:
    """Let `aimass image` build the server; answers the image's name and its context. Raises BuildFailed."""
    asked = ("image", "--with", "buildah", *options)
    aimass(folder, *asked, "--build", variables=store.variables())
    command = aimass(folder, *asked).splitlines()[-1].split()
    return command[command.index("--tag") + 1], Path(command[-1]).resolve()


def push(store: Store, folder: Path, options: list[str]) -> None:
    """Let `aimass image` push what it built. Raises BuildFailed."""
    aimass(folder, "image", "--with", "buildah", *options, "--push", variables=store.variables())


def build_again(store: Store, context: Path, elsewhere: Path, name: str, options: list[str]) -> None:
    """Build the same context from another folder, under another umask, with other times and no cache."""
    before = os.umask(0o077)
    try:
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.copytree(context, elsewhere, copy_function=shutil.copyfile)
    finally:
        os.umask(before)
    command = named("buildah").build_command(name, str(elsewhere), _secrets(options))
    run([*command[:2], "--no-cache", *command[2:]], store.variables())
    shutil.rmtree(elsewhere)


def faults_of_pins(store: Store, context: Path, elsewhere: Path, options: list[str]) -> list[str]:
    """What is wrong with the guard of the wheels: nothing where changed pins, or wheels, end a build."""
    shutil.rmtree(elsewhere, ignore_errors=True)
    shutil.copytree(context, elsewhere)
    pins, dockerfile = elsewhere / "requirements.txt", elsewhere / "Dockerfile"
    # Other digits are the hashes of other wheels.
    pins.write_text(
        _HASH.sub(lambda found: found[0][:-1] + ("0" if found[0][-1] != "0" else "1"), pins.read_text())
    )
    command = named("buildah").build_command("localhost/refused", str(elsewhere), _secrets(options))
    # Buildah without namespaces loses the last line of a step now and then, so its own words are looked for.
    faults = (
        []
        if _fails(store, command, 'building at STEP "RUN echo')
        else ["a build took other pins than those of its tag"]
    )
    digest = hashlib.sha256(pins.read_bytes()).hexdigest()
    dockerfile.write_bytes(_DIGEST.sub(f'echo "{digest}  '.encode(), dockerfile.read_bytes()))
    if not _fails(store, command, "DO NOT MATCH THE HASHES"):
        faults.append("pip installed a wheel that has another hash than its pin")
    shutil.rmtree(elsewhere)
    return faults


def faults_of_secrets(store: Store, name: str) -> list[str]:
    """Where the pip.conf of the builds was kept: in a layer of any stage, a configuration, or what failed."""
    told = store.buildah("inspect", "--type", "image", name)
    kept = _files_with(SENTINEL, store.folder / "images") + [name] * (SENTINEL in told)
    return [f"the package index is kept in {place}" for place in kept]


def files_bytes(root: Path) -> int:
    """The bytes of all files of an unpacked image."""
    sizes = {}
    for folder, _, names in os.walk(root):
        for name in names:
            status = (Path(folder) / name).lstat()
            sizes[status.st_ino] = status.st_size
    return sum(sizes.values())


def _files_with(text: str, folder: Path) -> list[str]:
    try:
        return run(
            ["grep", "--recursive", "--files-with-matches", text, str(folder)], dict(os.environ)
        ).splitlines()
    except BuildFailed:  # grep found none
        return []


def _fails(store: Store, command: list[str], saying: str) -> bool:
    try:
        run(command, store.variables())
    except BuildFailed as failure:
        return saying in str(failure)
    return False


def _secrets(options: list[str]) -> dict[str, Path]:
    names = {"--pip-conf": "pip", "--certificates": "certificates"}
    given = dict(zip(options[::2], options[1::2], strict=True))
    return {names[option]: Path(path) for option, path in given.items()}
