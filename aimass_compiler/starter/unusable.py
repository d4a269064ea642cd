"""Why a data file makes no spec, and the nearest that does."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example, Explanation

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
        ".ndjson, .parquet, .pq, .arrow or .feather, also with .gz, .zst, .bz2, .xz or .zip behind it.",
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
        "A model needs rows, one column to predict, and at least one other column that says "
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
    Explanation(
        "AM067",
        "the spec could not be created",
        "A spec that exists is never overwritten: it is your work. Delete it or choose another name. "
        "Otherwise the message repeats the system's own reason.",
    ),
)
EXAMPLES = (
    Example("AM060", 'A line of `customers.jsonl` is `{"age": 41,`.', 'It is `{"age": 41}`.', "situation"),
    Example("AM061", "`customers.xlsx`", "The same, saved as `customers.csv`.", "situation"),
    Example(
        "AM062",
        "`images.csv` has a column for each of 40,000 pixels.",
        "`images.parquet` has one column of lists with 40,000 numbers.",
        "situation",
    ),
    Example("AM063", "`customers.csv` has a header line only.", "It has rows.", "situation"),
    Example(
        "AM064",
        "`aimass init churn customers.csv --target since`, and `since` holds times.",
        "`--target churned`",
        "situation",
    ),
    Example(
        "AM065",
        "`aimass init churn customers.csv` where only the compiler is installed.",
        "`pip install 'aimass-compiler[run]'` was run before.",
        "situation",
    ),
    Example(
        "AM066", "`aimass init Churn_EU customers.csv`", "`aimass init churn-eu customers.csv`", "situation"
    ),
    Example(
        "AM067",
        "`aimass init churn customers.csv`, and `specs/churn.yaml` is there already.",
        "`aimass init churn-eu customers.csv`",
        "situation",
    ),
)


class UnusableDataError(Exception):
    """The data file makes no spec; raised by what reads it row by row, returned as a finding by `propose`."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
