"""What policies of the organisation object to in a model, and waivers that waive nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.expression_language import ExpressionError
from aimass_compiler.catalog.policy_rule import PolicyObjection
from aimass_compiler.checks._failed_parts import is_failed
from aimass_compiler.diagnostics import Example, Explanation, Finding, Path, Related, Severity
from aimass_compiler.pipeline.override_locations import place_in

if TYPE_CHECKING:
    from aimass_compiler.pipeline import Pipeline
    from aimass_compiler.pipeline.policy import Policies, Policy

EXPLANATIONS = (
    Explanation(
        "AM184",
        "a policy of the organisation is not kept",
        "Files in `policies/` are rules of the whole organisation, each with its reason: so many servers in "
        "production, say. `aimass policies` lists those that hold for a model. A policy of level `error` "
        "stops the compiler, and where it is rendered, the API server refuses objects that do not keep it. "
        "Its approvers can let a model off for a while, in `policies/waivers/`; `waivers` of a spec accept "
        "warnings only.",
    ),
    Explanation(
        "AM185",
        "the expression of a policy has no answer",
        "An expression is asked of every model that the policy is about. One that names a key that some "
        "pipeline.json lacks, or compares a text with a number, has no answer there. "
        "`has(here.serving.engine)` says whether there is such a key; `seconds('5m')`, `memory('2Gi')`, "
        "`cores('500m')` and `percent('99.9%')` turn amounts into numbers.",
    ),
    Explanation(
        "AM186",
        "a waiver of a policy waives nothing",
        "The model keeps the policy, or the policy is not about it. The waiver hides the next time that it "
        "does not, so remove it.",
    ),
)
EXAMPLES = (
    Example(
        "AM184",
        "A policy wants three servers in prod, and the spec has `replicas: {min: 2}`.",
        "The spec has `environments: {prod: {serving: {replicas: {min: 3}}}}`.",
        "situation",
    ),
    Example(
        "AM185",
        "A policy has the expression `here.serving.nodes <= 2`, and no model says `nodes`.",
        "It is `!has(here.serving.nodes) || here.serving.nodes <= 2`.",
        "situation",
    ),
    Example(
        "AM186",
        "`policies/waivers/three-servers.yaml` waives `churn`, which has three servers.",
        "It has no waiver of `churn`.",
        "situation",
    ),
)
#: Of these parts of a spec, environments override keys.
_OVERRIDDEN = frozenset(("serving", "monitoring", "training"))


class HeldPolicy(Struct, frozen=True):
    """A policy that holds for a model, and where."""

    name: str
    policy: Policy
    environments: tuple[str, ...]
    """Of a rule that is no environment's, all of them together."""


def holding(policies: Policies, pipeline: Pipeline) -> Iterator[HeldPolicy]:
    """The policies that a model is held to."""
    for name, policy in policies.policies.items():
        if environments := policy.where.environments_of(pipeline):
            yield HeldPolicy(name, policy, tuple(environments))


def findings(
    policies: Policies, pipeline: Pipeline, file: str, failed: frozenset[str] = frozenset()
) -> Iterator[Finding]:
    """What is wrong with a model; nothing is said of parts that `failed`."""
    for held in holding(policies, pipeline):
        if any(is_failed(part, failed) for part in held.policy.rule.reads):
            continue
        try:
            for found in _of_policy(policies, held, pipeline):
                yield found if found.file else replace(found, file=file)
        except ExpressionError as error:
            path, message = ("rule", held.policy.rule.kind), f"the expression has no answer: {error}"
            hint = "`has(…)` says whether there is a key"
            where = conventions.POLICY_FILE.format(policy=held.name)
            yield Finding("AM185", path, message, help=hint, file=where)


def _of_policy(policies: Policies, held: HeldPolicy, pipeline: Pipeline) -> Iterator[Finding]:
    rule, found = held.policy.rule, dict[tuple[Path, PolicyObjection], list[str]]()
    waived = {
        each for each in held.environments if policies.waiver(held.name, pipeline.path, each) is not None
    }
    needed = set[str]()
    for environment in held.environments:
        objections = list(rule.objections(pipeline, environment))
        if objections and environment in waived:
            needed.add(environment)
        for each in () if environment in waived else objections:
            found.setdefault((_place(pipeline, environment, each), each), []).append(environment)
    for (path, objection), environments in found.items():
        is_everywhere = not rule.is_of_environment or len(environments) == len(pipeline.environments)
        if rule.is_of_environment or not waived:
            yield _finding(held, path, objection, [] if is_everywhere else environments)
    yield from _idle(policies, held.name, pipeline.path, waived, needed)


def _place(pipeline: Pipeline, environment: str, objection: PolicyObjection) -> Path:
    """Where it is written: in the environment's override, or for all of them."""
    if objection.file or objection.path[0] not in _OVERRIDDEN or len(objection.path) == 1:
        return objection.path
    return place_in(pipeline, environment, ".".join(map(str, objection.path)))


def _finding(held: HeldPolicy, path: Path, objection: PolicyObjection, environments: list[str]) -> Finding:
    name, policy = held.name, held.policy
    *others, last = environments or [""]
    where = f"in {', '.join(others)}{' and ' if others else ''}{last}, " if last else ""
    note = Related(("rule",), f"the policy `{name}`", file=conventions.POLICY_FILE.format(policy=name))
    asked = " or ".join(f"`{one}`" for one in policy.approvers)
    waivable = f"ask {asked} for a waiver in `{conventions.POLICY_WAIVERS_FILE.format(policy=name)}`"
    ways = [way for way in (objection.help, waivable if policy.is_error and policy.approvers else "") if way]
    return Finding(
        "AM184",
        path,
        f"{where}{objection.message}; policy `{name}`: {policy.why}",
        help=", or ".join(ways),
        severity=Severity.ERROR if policy.is_error else Severity.WARNING,
        related=(note,),
        file=objection.file,
    )


def _idle(policies: Policies, name: str, model: str, waived: set[str], needed: set[str]) -> Iterator[Finding]:
    """Waivers of a model that nothing needs where they hold."""
    for place, waiver in enumerate(policies.waivers.get(name, ())):
        here = {environment for environment in waived if waiver.holds(model, environment)}
        if here and not here & needed:
            message = f"`{model}` keeps `{name}`, so this waiver waives nothing"
            file = conventions.POLICY_WAIVERS_FILE.format(policy=name)
            path = ("waivers", place)
            yield Finding("AM186", path, message, help="remove it", severity=Severity.WARNING, file=file)
