"""Findings about short specs, for every view to draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.diagnostics import Finding, Place, Related, Severity
from aimass_compiler.spec.yaml.reader import parse

if TYPE_CHECKING:
    from aimass_compiler.spec.yaml.document import Document

CHURN = "specs/churn.yaml"
FRAUD = "specs/fraud, second: try.yaml"
TEXTS = {
    CHURN: (
        "metadata: {name: churn}\n"
        "data:\n"
        "  columns:\n"
        "    age: number\n"
        "\n"
        "\n"
        "\n"
        "target: agee\n"
        "features:\n"
        "  - bucket:\n"
        "      column: age\n"
        "      count: 1\n"
    ),
    FRAUD: (
        "名前: {計: 'é e\u0301 ∑', 幅: 全角, after: 1}\t# tab\n"
        "long: [" + ", ".join(f"column_{number}" for number in range(60)) + "]\n"
        "list:\t[a,\tb]\n"
        "note: 'a \u202e b'\n"
        "empty:\n"
    ),
}
DOCUMENTS: dict[str, Document] = {file: parse(text, file)[0] for file, text in TEXTS.items()}

MISSPELT = Finding(
    "AM201",
    ("target",),
    "there is no column `agee`",
    help="did you mean `age`?",
    related=(Related(("data", "columns", "age"), "`age` is declared here", at_key=True),),
    file=CHURN,
)
TOO_SMALL = Finding(
    "AM104", ("features", 0, "bucket", "count"), "`count` must be at least 2, not 1", file=CHURN
)
UNOWNED = Finding(
    "AM301", ("metadata",), "nobody owns this model", severity=Severity.WARNING, at_key=True, file=CHURN
)
UNREADABLE = Finding("AM001", (), "`specs/gone.yaml` does not exist", file="specs/gone.yaml")
NOWHERE = Finding("AM035", (), "100% of the disk is full\r\nreally: yes, it is")

#: Each is a question that a terminal asks: wide, combining, tabs, long lines, what is not there.
STRANGE = [
    Finding("AM103", ("名前", "幅"), "wide characters take two columns", file=FRAUD),
    Finding("AM103", ("名前", "計"), "combining characters take none", file=FRAUD),
    Finding("AM103", ("名前", "after"), "and what follows is aligned", at_key=True, file=FRAUD),
    Finding("AM103", ("long", 0), "near the start of a long line", file=FRAUD),
    Finding("AM103", ("long", 30), "in the middle of a long line", file=FRAUD),
    Finding("AM103", ("long", 59), "at the end of a long line", file=FRAUD),
    Finding("AM103", ("long",), "nearly all of a long line", file=FRAUD),
    Finding("AM103", ("list", 1), "behind tabs", file=FRAUD),
    Finding("AM103", (), "\x1b[31m a message drives no terminal", file=FRAUD, place=Place(4, 7, 4, 14)),
    Finding("AM103", ("empty",), "nothing was written here", file=FRAUD),
]
