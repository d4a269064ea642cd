"""Texts of people are logged with predictions only where someone reviewed that they may be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, ClassVar

from aimass_compiler.catalog.policy_rule import (
    DEPLOYMENTS,
    LEADER_WORKER_SETS,
    AdmissionClaim,
    PolicyObjection,
    PolicyRule,
    of_all_pods,
)
from aimass_compiler.conventions import VARIABLE_HIDDEN_COLUMNS, VARIABLE_PREDICTION_SAMPLE
from aimass_compiler.expression import column_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.render.facts import Environment, Resolved

_SILENT = (
    "POD.containers.all(c, !has(c.env) || "
    "c.env.all(e, e.name != 'SAMPLE' || !has(e.value) || e.value == '0'))"
)


class ReviewedLogs(PolicyRule):
    """Texts of people are logged with predictions only where someone reviewed that they may be.

    A column of type `text` may hold names, addresses and complaints, and more people read a log than read
    the table that it came from. A column with `pii` leaves no server as it is, and needs no review.
    """

    reads: ClassVar[tuple[str, ...]] = ("data", "target", "serving.logs")

    def objections(self, model: Pipeline, environment: str) -> Iterator[PolicyObjection]:
        logged = model.environments[environment].serving.logs.predictions
        texts = [
            name
            for name, column in model.data.columns.items()
            if isinstance(column.column_type, column_types.Text)
            and column.pii is None
            and name not in model.task.targets
        ]
        if logged.sample and texts and logged.pii is None:
            listed = ", ".join(f"`{name}`" for name in texts)
            message = (
                f"{listed} may hold personal data, and {100 * logged.sample:.3g} % of all requests are logged"
            )
            hint = (
                "give the columns `pii: hash` or `pii: omit`, write `sample: 0`, or `pii: reviewed` once "
                "someone made sure that they may be logged"
            )
            yield PolicyObjection(("serving", "logs", "predictions", "sample"), message, hint)

    def admissions(self) -> tuple[AdmissionClaim, ...]:
        message = "servers may log predictions only of models whose inputs are no texts, or were reviewed"
        claim = _SILENT.replace("SAMPLE", VARIABLE_PREDICTION_SAMPLE)
        return of_all_pods(claim, message, DEPLOYMENTS, LEADER_WORKER_SETS)

    def is_exempt(self, model: Resolved, here: Environment) -> bool:
        """Whether it may log: no object shows its columns, nor that they were reviewed."""
        variables, columns = here.servers.variables, model.contract.columns
        hidden = json.loads(variables.get(VARIABLE_HIDDEN_COLUMNS, "{}"))
        texts = (name for name, column in columns.items() if column.type == column_types.Text.name)
        has_texts = any(name not in hidden for name in texts)
        is_logged = variables.get(VARIABLE_PREDICTION_SAMPLE, "0") != "0"
        return is_logged and (here.servers.is_reviewed or not has_texts)
