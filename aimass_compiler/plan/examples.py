"""What can stand in the way of writing, beside what cannot."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example

EXAMPLES = (
    Example(
        "AM030",
        "A target would write `churn/../aimass.yaml`.",
        "It writes `churn/settings.yaml`.",
        "situation",
    ),
    Example(
        "AM031",
        "A target would write `churn/Base` and `churn/base`.",
        "It writes `churn/base` only.",
        "situation",
    ),
    Example("AM032", "`generated/churn/dvc.yaml` is a folder.", "The folder was removed.", "situation"),
    Example(
        "AM033",
        "Someone edited `generated/churn/dvc.yaml`, and then the spec changed.",
        "The edit was undone; the spec says what is wanted.",
        "situation",
    ),
    Example(
        "AM034",
        "A merge left `<<<<<<<` in `generated/churn/inventory.json`.",
        "The file was taken from one side.",
        "situation",
    ),
    Example("AM035", "The folder `generated/` is read-only.", "It can be written.", "situation"),
    Example(
        "AM036",
        "While the compiler ran, another program wrote `generated/churn/dvc.yaml`.",
        "No one else writes below `generated/`.",
        "situation",
    ),
    Example(
        "AM037",
        "The spec was deleted, and `generated/churn/dvc.lock` is still there.",
        "It was deleted together with the spec.",
        "situation",
    ),
)
