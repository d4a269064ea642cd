"""Data files that `aimass init` makes no spec of, beside the nearest that it does."""

from __future__ import annotations

from aimass_compiler.explanations import Example

EXAMPLES = (
    Example("AM060", 'A line of `customers.jsonl` is `{"age": 41,`.', 'It is `{"age": 41}`.', "situation"),
    Example("AM061", "`customers.xlsx`", "The same, saved as `customers.csv`.", "situation"),
    Example(
        "AM062",
        "`pictures.csv` has a column for each of 40,000 pixels.",
        "`pictures.parquet` has one column of lists with 40,000 numbers.",
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
