"""Why a data file makes no spec."""

from __future__ import annotations

from aimass_compiler.explanations import Explanation

EXPLANATIONS = (
    Explanation(
        "AM060",
        "the data file cannot be read",
        "The file is missing, is not of the kind that its name says, or is malformed: the message names the "
        "line and the column. The pipeline's first stage, which reads it the same way, would stop there too.",
    ),
    Explanation(
        "AM061",
        "the data file is of an unknown kind",
        "The kind of a file is known by the end of its name: .csv, .tsv, .tab, .txt, .data, .dat, .jsonl, "
        ".ndjson, .parquet or .pq, also with .gz, .zst, .bz2, .xz or .zip behind it.",
    ),
    Explanation(
        "AM062",
        "the file has too many columns",
        "A spec names each column, and more than 5,000 lines are no spec that a person edits. Numbers that "
        "belong together, such as the pixels of an image, are one column of lists.",
    ),
    Explanation(
        "AM063",
        "there is nothing to learn from",
        "A model needs rows, one column to predict, and at least one other column that tells "
        "something about it.",
    ),
    Explanation(
        "AM064",
        "the target cannot be predicted",
        "A target is a number, or a category of at most 100 names. Ids, times, texts and images are "
        "not predicted.",
    ),
    Explanation(
        "AM065",
        "a library is missing to read the file",
        "Compiling needs no data libraries, so they come with an extra: "
        "`pip install 'aimass-compiler[run]'`.",
    ),
    Explanation(
        "AM066",
        "the name or the path does not fit into a spec",
        "A model's name is a DNS label, because it names folders, stages, jobs and services. A source's path "
        "starts at the project's root, stays below it, and `*`, `?` and `[` in it would match several files.",
    ),
)


class UnusableDataError(Exception):
    """The data file makes no spec; raised by what reads it row by row, returned as a finding by `propose`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
