"""Brings `.github/CODEOWNERS` in step with the teams, beside the lines that people wrote there."""

from __future__ import annotations

from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.atomic_file import replace_file
from aimass_compiler.diagnostics import Example, Explanation, Finding
from aimass_compiler.fleet.teams.code_owners import NotOneBlock, with_block
from aimass_compiler.pipeline.organisation import Organisation
from aimass_compiler.plan import Plan
from aimass_compiler.plan.comparison import Action, FileChange

EXPLANATIONS = (
    Explanation(
        "AM320",
        "GitHub would not read another CODEOWNERS any more",
        "GitHub reads one CODEOWNERS: that of `.github/`, else the one at the top, else that of `docs/`. "
        "Where teams have `github`, the compiler writes the first of these, so lines of another one would "
        "hold no more. Move them into `.github/CODEOWNERS`: what stands before the compiled lines stays as "
        "you write it. After a merge or an edit that left the compiled lines twice, or one of the "
        "marks around them, delete all of these lines: they are written again.",
    ),
)
EXAMPLES = (
    Example(
        "AM320",
        "There is a `CODEOWNERS` at the top, and `teams/growth.yaml` has `github: {members: [acme/growth]}`.",
        "It was moved to `.github/CODEOWNERS`.",
        "situation",
    ),
)
_NAME = conventions.CODE_OWNERS_FILE
_FILE = f"{conventions.GITHUB_FOLDER}/{_NAME}"
NOTHING_CHANGES = Plan(shown_as=conventions.GITHUB_FOLDER)
_OTHERS = (_NAME, f"docs/{_NAME}")


class CodeOwnersFile:
    """The file of one project: how it differs from what the teams stand for, and writing it."""

    def __init__(self, root: Path, organisation: Organisation) -> None:
        self._path = root / _FILE
        self.findings: list[Finding] = []
        existing = self._existing()
        self._wanted = self._merged(existing, organisation) if existing is not None else ""
        self.plan = NOTHING_CHANGES
        """What changes."""
        if not self.findings and self._wanted != existing:
            self._compare(root, existing or "")

    def _existing(self) -> str | None:
        try:
            return self._path.read_text(encoding="utf-8") if self._path.exists() else ""
        except (OSError, UnicodeError) as error:
            message = f"`{_FILE}` cannot be read: {error}"
            self.findings.append(Finding("AM320", (), message, file=_FILE))
            return None

    def _merged(self, existing: str, organisation: Organisation) -> str:
        try:
            return with_block(existing, organisation)
        except NotOneBlock:
            message = f"`{_FILE}` has the compiled lines twice, or only one of the marks around them"
            hint = "delete these lines with their marks; they are then written again"
            self.findings.append(Finding("AM320", (), message, help=hint, file=_FILE))
            return existing

    def _compare(self, root: Path, existing: str) -> None:
        other = next((each for each in _OTHERS if (root / each).exists()), None)
        if other is not None and not self._path.exists():
            message = f"`{other}` would not be read any more: GitHub reads `{_FILE}` alone, which is compiled"
            self.findings.append(Finding("AM320", (), message, help=f"`git mv {other} {_FILE}`", file=other))
            return
        action = Action.UPDATE if self._path.exists() else Action.CREATE
        if not self._wanted:
            action = Action.DELETE
        reason = "is new" if action is Action.CREATE else "the teams and their people changed"
        self.plan = Plan(
            changes=(FileChange(action, _NAME, reason),),
            files={_NAME: self._wanted.encode()} if self._wanted else {},
            previous={_NAME: existing.encode()} if existing else {},
            shown_as=conventions.GITHUB_FOLDER,
        )

    def write(self) -> list[Finding]:
        """Bring it in step; answers what went wrong."""
        if not self.plan.is_stale:
            return []
        try:
            if self._wanted:
                replace_file(self._path, self._wanted.encode())
            else:
                self._path.unlink()
        except OSError as error:
            message = f"`{_FILE}` could not be written: {error.strerror}"
            return [Finding("AM035", (), message, file=_FILE)]
        return []
