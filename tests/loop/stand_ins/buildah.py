"""`buildah build` and `buildah push`: what the Dockerfile copies and rehearses, and a manifest of it."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import subprocess
import sys
import urllib.request
from pathlib import Path

from docker import manifest_of

BUILT = Path(os.environ["STAND_IN_GITHUB"]) / "built.json"


def main(words: list[str]) -> int:
    """Build or push."""
    match words:
        case ["build", *_, "--tag", image, context]:
            return build(image, Path(context))
        case ["push", *_, "--digestfile", file, image]:
            return push(image, Path(file))
    print(f"buildah: not known here: {words}", file=sys.stderr)
    return 2


def build(image: str, context: Path) -> int:
    """Serve the package once, as the build does, and note every file that the Dockerfile copies."""
    layers = {}
    lines = (context / "Dockerfile").read_text().splitlines()
    for line in (line for line in lines if line.startswith("COPY ") and "--from" not in line):
        for source in shlex.split(line)[1:-1]:
            found = context / source
            if not found.exists():
                print(f'Error: building at STEP "{line}": {source}: no such file', file=sys.stderr)
                return 125
            files = [path for path in sorted([found, *found.rglob("*")]) if path.is_file()]
            content = b"".join(path.read_bytes() for path in files)
            layers[source] = hashlib.sha256(content).hexdigest()
    rehearsal = [sys.executable, "-m", "aimass_compiler.runtime.server.rehearsal", "model", os.devnull]
    subprocess.run(rehearsal, cwd=context, env=os.environ | {"PYTHONPATH": "app"}, check=True)
    BUILT.write_text(json.dumps({image: layers}))
    return 0


def push(image: str, digest: Path) -> int:
    """Put what was built into the registry."""
    manifest = json.dumps(json.loads(BUILT.read_text())[image]).encode()
    request = urllib.request.Request(manifest_of(image), data=manifest, method="PUT")  # noqa: S310  # http
    with urllib.request.urlopen(request) as answer:  # noqa: S310  # http
        digest.write_text(answer.headers["Docker-Content-Digest"])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
