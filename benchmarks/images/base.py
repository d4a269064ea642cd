"""The base image: the one that specs name, or where no registry is reached, one that Debian makes of it."""

from __future__ import annotations

import os
import platform
import shutil
from typing import TYPE_CHECKING

from benchmarks.images.store import BuildFailed, run

if TYPE_CHECKING:
    from benchmarks.images.store import Store

_PACKAGES = "ca-certificates,python3,python3-pip,python3-venv"
#: What the images of Debian and of Python leave out, too.
_LEFT_OUT = (
    "usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/info", "usr/share/lintian",
    "var/cache/apt", "var/lib/apt/lists", "var/log",
)  # fmt: skip
_DOCKERFILE = """\
FROM scratch
ADD base.tar /
ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["python3"]
LABEL made-by=debootstrap
"""


def provide(store: Store, name: str) -> str:
    """Put the base image `name` into the store; answers what it is, for people.

    Raises BuildFailed when there is neither a registry nor debootstrap.
    """
    full = name if "/" in name else f"docker.io/library/{name}"
    if not store.holds(full):
        try:
            store.buildah("pull", "--quiet", full)
        except BuildFailed as unreachable:
            if shutil.which("debootstrap") is None:
                raise BuildFailed(f"{unreachable}\nand there is no debootstrap that makes another") from None
            _make(store, full)
    labels = store.image(full).config.get("Labels") or {}
    made_by = "a stand-in made by debootstrap" if "made-by" in labels else "pulled"
    with store.unpacked(full) as root:
        version = run(["chroot", str(root), "python", "--version"], dict(os.environ))
        debian = (root / "etc/debian_version").read_text().strip()
    return f"{name}, {made_by}: {version}, Debian {debian}, {platform.machine()}"


def _make(store: Store, name: str) -> None:
    """Debian's Python where the image of Python has its own, built as the machine's own release."""
    context = store.folder / "base"
    root = context / "root"
    shutil.rmtree(context, ignore_errors=True)
    context.mkdir(parents=True)
    release = platform.freedesktop_os_release()["VERSION_CODENAME"]
    print(f"no registry is reached: debootstrap makes {name} of Debian {release} (minutes)", flush=True)
    mirror = run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI)",
            "Created-By: Packages",
            f"Codename: {release}",
        ],
        dict(os.environ),
    ).splitlines()[0]
    bootstrap = ["debootstrap", "--variant=minbase", f"--include={_PACKAGES}", release, str(root), mirror]
    run(bootstrap, dict(os.environ))
    for path in _LEFT_OUT:
        shutil.rmtree(root / path)
        (root / path).mkdir()
    for folder in list(root.glob("usr/lib/python3*/**/__pycache__")):
        shutil.rmtree(folder, ignore_errors=True)
    for marker in root.glob("usr/lib/python3*/EXTERNALLY-MANAGED"):
        marker.unlink()  # the image of Python is no distribution's, so its pip installs
    python = (root / "usr/bin/python3").readlink().name
    for link in ("python", "python3", python):
        (root / "usr/local/bin" / link).symlink_to(f"/usr/bin/{python}")
    packed = ["tar", "--sort=name", "--numeric-owner", "--directory", str(root), "--create"]
    run([*packed, "--file", str(context / "base.tar"), "."], dict(os.environ))
    shutil.rmtree(root)
    (context / "Dockerfile").write_text(_DOCKERFILE)
    store.buildah("build", "--quiet", "--timestamp=0", "--tag", name, str(context))
    shutil.rmtree(context)
