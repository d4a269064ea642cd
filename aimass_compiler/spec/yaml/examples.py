"""Texts that the reader cannot take as they are, beside the nearest that it can."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example

EXAMPLES = (
    Example("AM001", "`specs/churn.yaml` is a folder.", "`specs/churn.yaml` is a file.", "situation"),
    Example(
        "AM002",
        "A data file of 6 MB was saved as `specs/churn.yaml`.",
        "It lies in `data/`, and the spec names it.",
        "situation",
    ),
    Example(
        "AM003",
        "An old editor saved `specs/churn.yaml` as Latin-1, and `Müller` owns the model.",
        "The same, saved as UTF-8.",
        "situation",
    ),
    Example(
        "AM004",
        "`specs/churn.yaml` holds a U+0007 that came in by copy and paste.",
        'It is written `"\\u0007"`.',
        "situation",
    ),
    Example("AM005", "metadata:\n\tname: churn\n", "metadata:\n  name: churn\n", "file"),
    Example("AM006", "description: churn: who leaves\n", 'description: "churn: who leaves"\n', "file"),
    Example("AM007", "target: churned\ntarget: plan\n", "target: churned\n", "file"),
    Example("AM008", "columns:\n  2024: number\n", 'columns:\n  "2024": number\n', "file"),
    Example("AM009", "prod: *large\n", "dev: &large {min: 3}\nprod: *large\n", "file"),
    Example(
        "AM010",
        "A list of 100,001 values was pasted into `specs/churn.yaml`.",
        "The values lie in a data file, and the spec names it.",
        "situation",
    ),
    Example("AM011", f"a: {'[' * 61}{']' * 61}\n", f"a: {'[' * 9}{']' * 9}\n", "file"),
    Example("AM012", "prod:\n  <<: large\n", "dev: &large {min: 3}\nprod:\n  <<: *large\n", "file"),
    Example("AM013", "registry: !env REGISTRY\n", "registry: ghcr.io/acme/models\n", "file"),
    Example("AM014", "kind: Model\n---\nkind: Model\n", "kind: Model\n", "file"),
    Example("AM015", "# nothing yet\n", "kind: Model\n", "file"),
    Example("AM016", "- kind: Model\n", "kind: Model\n", "file"),
    Example("AM017", "max: 1e999\n", "max: 1.0e+9\n", "file"),
    Example("AM019", "apiVersion: aimass/v9", "apiVersion: aimass/v1"),
    Example(
        "AM022",
        "A merge left `<<<<<<< HEAD` in the spec.",
        "What is right of both sides was kept.",
        "situation",
    ),
    Example("AM018", "values: [no, yes]\n", 'values: ["no", "yes"]\n', "file"),
)
