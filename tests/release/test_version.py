"""A tag is the version that the sources have, and its changes have a date."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aimass_compiler.version import __version__
from scripts.release import version
from scripts.release.failure import ReleaseFailed

CHANGES = """\
# Changelog

## 1.3.0 (unreleased)

Not yet.

## 1.2.3 (2026-12-01)

- A [plan](docs/plan.md#costs) shows money. See [the table](#a) and [Kustomize](https://kustomize.io).

## 1.2.2 (2026-11-01)

Before.
"""


@pytest.mark.parametrize(
    ("tag", "of", "reason"),
    [
        ("v1.2.4", "1.2.3", "the tag is v1.2.4, and aimass_compiler/version.py says version 1.2.3"),
        ("1.2.3", "1.2.3", "the tag is 1.2.3"),
        ("v1.3.0", "1.3.0", "CHANGELOG.md says `unreleased` where the date of 1.3.0 belongs"),
        ("v2.0.0", "2.0.0", "CHANGELOG.md has no section for 2.0.0"),
    ],
)
def test_a_tag_that_must_not_be_released_is_refused_with_the_reason(tag: str, of: str, reason: str) -> None:
    with pytest.raises(ReleaseFailed, match=reason):
        version.refuse_other_tag(tag, of, CHANGES)


def test_a_tag_of_the_version_with_a_date_is_released() -> None:
    version.refuse_other_tag("v1.2.3", "1.2.3", CHANGES)


def test_notes_are_the_section_with_links_that_work_elsewhere() -> None:
    assert version.notes("https://github.com/a/b/blob/v1", "1.2.3", CHANGES) == (
        "- A [plan](https://github.com/a/b/blob/v1/docs/plan.md#costs) shows money. See [the table](#a) and "
        "[Kustomize](https://kustomize.io).\n"
    )


def test_the_changelog_has_a_section_for_the_version_of_the_sources() -> None:
    assert version.notes()


def test_the_command_ends_with_the_reason() -> None:
    command = [sys.executable, "-m", "scripts.release", "build", "--tag", f"v{__version__}.1"]
    done = subprocess.run(command, cwd=version.ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: the tag is v{__version__}.1, and ")
