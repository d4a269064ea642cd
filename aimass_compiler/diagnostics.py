"""Problems as values: what is wrong, where in the spec, a hint, and what each code means at length."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from msgspec import Struct

#: Where a value lives in a document: ("features", 2, "bucket", "count").
Path = tuple[str | int, ...]

#: So many candidates are read at a glance.
_FEW = 12
#: What other tools call things, and what they are called here.
_OTHER_NAMES = {
    **dict.fromkeys(("int", "integer", "float", "double", "decimal", "numeric"), "number"),
    **dict.fromkeys(("bool", "boolean", "enum", "categorical"), "category"),
    **dict.fromkeys(("date", "datetime", "timestamp"), "time"),
    **dict.fromkeys(("auc", "auroc"), "roc_auc"),
    "acc": "accuracy",
    "mcc": "matthews_corrcoef",
    "logloss": "log_loss",
    "brier": "brier_score",
    "mae": "mean_absolute_error",
    "mse": "mean_squared_error",
    "rmse": "root_mean_squared_error",
    "mape": "mean_absolute_percentage_error",
    "onehot": "one_hot",
    "zscore": "standardize",
    "production": "prod",
    "development": "dev",
    "stage": "staging",
    "outer": "full",
}
#: What is one word elsewhere and two here: names that come again and again, or whole sentences.
_OF_TWO = dict.fromkeys(("string", "str", "varchar", "char", "object"), ("category", "text"))
#: In shorter words one slip leaves too little to be sure.
_LONG_ENOUGH = 4
#: How alike a slip and its word are at least, and how much less alike any other word must be.
_SURE = 0.8
_APART = 0.15


class Severity(StrEnum):
    """How much a finding matters: an error stops the compiler, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Place(Struct, frozen=True, order=True):
    """A stretch of a file's text.

    Lines and columns count from one, as editors show them; columns count characters (code
    points, a tab is one), and `end_column` is the column behind the last character.
    """

    line: int
    column: int
    end_line: int
    end_column: int


class Related(Struct, frozen=True):
    """Another place that explains a finding, such as where a column was declared.

    It lies in the finding's own document unless it names a `file`.
    """

    path: Path
    message: str
    at_key: bool = False
    place: Place | None = None
    file: str = ""
    part: str = ""


class Assign(Struct, frozen=True, tag=True):
    """Gives the value at a path; a mapping that lacks the last key of the path gets it."""

    path: Path
    value: Any


class Rename(Struct, frozen=True, tag=True):
    """Gives the key at the end of a path another name."""

    path: Path
    key: str


class Remove(Struct, frozen=True, tag=True):
    """Takes away the entry of a mapping, or the item of a list, at the end of a path."""

    path: Path


class Rewrite(Struct, frozen=True, tag=True):
    """Puts other text in the place of a stretch of text, for what a path cannot name."""

    place: Place
    text: str


class Quote(Struct, frozen=True, tag=True):
    """Puts the value at a path into quotes, exactly as it is written: `010` becomes `"010"`."""

    path: Path


Edit = Assign | Rename | Remove | Rewrite | Quote


class Fix(Struct, frozen=True):
    """Edits that certainly mend a problem, all together, and what they do in one sentence.

    They are in the finding's own document. `aimass fix` makes them; nothing that a person has to
    decide is a fix. After one that is not safe, a sound spec may give another model, if only by a
    rounding: it is made where it is asked for by `--unsafe-fixes`.
    """

    message: str
    edits: tuple[Edit, ...]
    is_safe: bool = True


@dataclass(frozen=True)
class Finding:
    """One problem of the user's own value.

    `path` names a value inside the document `file`; the command line turns it into
    file:line:column with the source line. `at_key` points at the mapping key instead of its
    value, and `part` at a word of it. `place` is for problems of the text itself, which a path cannot
    name. `fix` is there only where it is certain.
    """

    code: str
    path: Path
    message: str
    help: str = ""
    severity: Severity = Severity.ERROR
    at_key: bool = False
    related: tuple[Related, ...] = ()
    file: str = ""
    place: Place | None = None
    fix: Fix | None = field(default=None, compare=False)
    part: str = ""

    @property
    def is_error(self) -> bool:
        return self.severity is Severity.ERROR


class HintedError(Exception):
    """What was begun cannot go on; the message says why, `help` is the hint, where there is one."""

    def __init__(self, message: str, help: str = "") -> None:  # noqa: A002  # the word that findings use
        super().__init__(message)
        self.help = help


def has_errors(findings: Iterable[Finding]) -> bool:
    """Whether any finding stops the compiler."""
    return any(finding.is_error for finding in findings)


def certainly_meant(word: str, candidates: Iterable[str]) -> str | None:
    """The one candidate that a word can be a slip of, if there is exactly one: good enough for a fix.

    It differs in case, `-` and spaces only, or has a difflib ratio of 0.8, and no other comes near it.
    """
    from difflib import SequenceMatcher, get_close_matches

    plain = {name: name.lower().replace("-", "_").replace(" ", "_") for name in candidates}
    wanted = word.lower().replace("-", "_").replace(" ", "_")
    same = [name for name, written in plain.items() if written == wanted]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(wanted, set(plain.values()), n=2, cutoff=_SURE - _APART)
    best, *second = (SequenceMatcher(None, name, wanted).ratio() for name in near or ("",))
    if len(wanted) < _LONG_ENOUGH or best < _SURE or any(best - other < _APART for other in second):
        return None
    found = [name for name, written in plain.items() if written == near[0]]
    return found[0] if len(found) == 1 else None


def respelt(path: Path, word: object, known: Iterable[str]) -> Fix | None:
    """The one word that a misspelt one can have meant, in its place."""
    meant = certainly_meant(word, known) if isinstance(word, str) else None
    return Fix(f"write `{meant}`", (Assign(path, meant),)) if meant else None


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a word is most like: another name of it, its words in another order, or a slip.

    The similarity is Python's difflib ratio (Ratcliff/Obershelp) with a cutoff of 0.6.
    """
    from difflib import get_close_matches

    lowered = {name.lower(): name for name in sorted(set(candidates))}
    wanted = word.lower()
    if (usual := _OTHER_NAMES.get(wanted)) in lowered:
        return lowered[usual]
    for name, written in lowered.items():
        if sorted(name.split("_")) == sorted(wanted.replace("-", "_").split("_")):
            return written
    # Of short words, half the letters are soon those of a word that has nothing to do with them.
    near = get_close_matches(wanted, list(lowered), n=1, cutoff=0.6 if len(wanted) >= _LONG_ENOUGH else 0.65)
    return lowered[near[0]] if near else None


def _unseen(word: str, meant: str) -> str:
    """What people may not see in a word and in its right spelling; nothing where all is plain."""
    from aimass_compiler.lookalikes import unseen

    differences = [f"what is written {what}" for what in unseen(word, meant)]
    differences += [f"the latter {what}" for what in unseen(meant, word)]
    return f" {'; '.join(differences)}" if differences else ""


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """A help sentence that names the nearest candidate, or lists the few there are."""
    known = sorted(set(candidates))
    two = _OF_TWO.get(word.lower())
    if two and {*two} <= {*known}:
        return f"did you mean `{two[0]}` or `{two[1]}`?"
    if meant := nearest(word, known):
        return f"did you mean `{meant}`?{_unseen(word, meant)}"
    if 0 < len(known) <= _FEW:
        return "known here: " + ", ".join(f"`{name}`" for name in known)
    return ""


class Explanation(Struct, frozen=True):
    """One code: what it says in a line, and why it is a problem and how to get out in a paragraph.

    Each module that emits findings declares the tuple `EXPLANATIONS` of its own codes.
    """

    code: str
    title: str
    text: str


class Example(Struct, frozen=True):
    """One code, shown by something that has the problem and by the nearest thing that has not.

    Each module declares the tuple `EXAMPLES` beside its `EXPLANATIONS`. What both texts are of:

    - a `change` of the sound spec `checks.BASE`, in YAML: mappings are merged, everything else is replaced
    - a `language` model's change: the same of `checks.LANGUAGE`
    - a `file`: all of a spec's text
    - the `settings`, all of aimass.yaml
    - a `situation`, described in a sentence, for what no text shows; a test brings it about
    """

    code: str
    fails: str
    passes: str
    of: Literal["change", "language", "file", "settings", "situation"] = "change"
    #: The aimass.yaml beside a change or a file, where the problem is one between the two.
    settings: str = ""


def first_line(error: Exception) -> str:
    """The first line of what a library says of a problem, or what it calls it where it says nothing."""
    return str(error).strip().partition("\n")[0] or type(error).__name__
