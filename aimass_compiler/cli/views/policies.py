"""The policies of an organisation as people read them, and how a model stands to them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog.expression_language import ExpressionError
from aimass_compiler.checks.policy import HeldPolicy, holding
from aimass_compiler.cli.views.cells import safe

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.policy import Policies, Policy, Scope


def all_drawn(policies: Policies) -> str:
    """Every policy, with those who need not keep it."""
    blocks = [
        "\n".join([*_policy(name, policy), *_waivers(policies, name)])
        for name, policy in sorted(policies.policies.items())
    ]
    return "".join(f"{block}\n" for block in blocks)


def of_model_drawn(policies: Policies, pipeline: Pipeline) -> str:
    """The policies that hold for a model, each with how it stands to it."""
    blocks = [
        "\n".join([*_policy(held.name, held.policy), *_states(policies, held, pipeline)])
        for held in holding(policies, pipeline)
    ]
    return "".join(f"{block}\n" for block in blocks or [f"no policy holds for {pipeline.path}"])


def _policy(name: str, policy: Policy) -> Iterator[str]:
    yield f"{name} ({policy.level}): {safe(policy.why)}"
    yield f"  rule        {safe(_rule(policy))}"
    yield f"  holds       {_where(policy.where)}"
    yield f"  approvers   {', '.join(policy.approvers) or 'none: no one may waive it'}"
    yield f"  API server  {_seen(policy)}"


def _rule(policy: Policy) -> str:
    """The rule as it is written, defaults included."""
    values = policy.rule.model_dump(mode="json", exclude_none=True)
    written = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    return f"{policy.rule.kind}: {{{written}}}" if written else policy.rule.kind


def _where(where: Scope) -> str:
    parts: list[tuple[str, Any]] = [
        ("in", where.environments),
        ("of", where.teams),
        ("for", where.tasks),
        ("with", [f"{key}={value}" for key, value in where.labels.items()]),
    ]
    return " ".join(f"{word} {', '.join(values)}" for word, values in parts if values) or "everywhere"


def _seen(policy: Policy) -> str:
    """What of it an API server is to keep."""
    seen = policy.rule.seen
    act = "refuses" if policy.is_error else "warns of"
    return f"{act} {seen}" if seen else "sees nothing of it; the compiler holds it"


def _waivers(policies: Policies, name: str) -> Iterator[str]:
    for waiver in policies.waivers.get(name, ()):
        where = f" in {', '.join(waiver.environments)}" if waiver.environments else ""
        yield f"  waived      {waiver.model}{where} until {waiver.until}: {safe(waiver.reason)}"


def _states(policies: Policies, held: HeldPolicy, pipeline: Pipeline) -> Iterator[str]:
    for environment in held.environments:
        try:
            reasons = [each.message for each in held.policy.rule.objections(pipeline, environment)]
        except ExpressionError as error:
            reasons = [f"no answer: {error}"]
        waiver = policies.waiver(held.name, pipeline.path, environment)
        state = f"waived until {waiver.until}" if waiver else "; ".join(reasons) or "kept"
        yield f"  {environment:<11} {safe(state)}"
