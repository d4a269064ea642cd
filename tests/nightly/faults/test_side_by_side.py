"""Compilers and an editor at work on one project at once: what is remembered never hides what was edited.

`make faults` plays more rounds.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from aimass_compiler.conventions import VARIABLE_CACHE
from tests.cases.front_end import base

ROUNDS = 20 if "FAULTS_EVERY" in os.environ else 2
CODE = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"


def started(root: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", CODE, "compile", *options, "--root", str(root)]
    environment = os.environ | {VARIABLE_CACHE: str(root / "cache")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def edit(root: Path, number: int) -> None:
    """Save the spec, of one length each time, as editors do."""
    spec = root / "specs" / "churn.yaml"
    spec.parent.mkdir(parents=True, exist_ok=True)
    beside = spec.with_name(".churn.yaml.swp")
    beside.write_text(json.dumps(base(f"metadata: {{description: edit {number:04}}}")))
    beside.replace(spec)


def content(root: Path) -> Mapping[str, bytes]:
    files = (path for path in sorted((root / "generated").rglob("*")) if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def test_two_compilers_and_an_editor_at_once(tmp_path: Path) -> None:
    for number in range(ROUNDS):
        edit(tmp_path, 2 * number)
        compilers = [started(tmp_path), started(tmp_path)]
        time.sleep(0.03 * (number % 13))  # while they start, read, write or are done
        edit(tmp_path, 2 * number + 1)
        for compiler in compilers:
            _, told = compiler.communicate()
            assert b"Traceback" not in told
            assert b"edited by hand" not in told
        last = started(tmp_path)
        assert last.wait() == 0, last.communicate()
        made = content(tmp_path)
        assert f"edit {2 * number + 1:04}".encode() in made["generated/churn/base/server.yaml"]
        assert not [path for path in made if ".partial" in path]
        assert started(tmp_path, "--check", "--no-cache").wait() == 0


def test_an_edit_by_hand_while_compiling_is_never_hidden(tmp_path: Path) -> None:
    edit(tmp_path, 0)
    assert started(tmp_path).wait() == 0
    generated = tmp_path / "generated/churn/image/train.Dockerfile"
    for number in range(ROUNDS):
        before, seen = generated.read_bytes(), generated.stat()
        compiler = started(tmp_path)
        time.sleep(0.03 * (number % 13))
        generated.write_bytes(before.replace(b"FROM", b"MORF", 1))
        os.utime(generated, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert b"Traceback" not in compiler.communicate()[1]
        after = started(tmp_path)
        assert b"was edited by hand" in after.communicate()[1]
        assert after.returncode == 1
        assert started(tmp_path, "--force").wait() == 0
        assert generated.read_bytes() == before
