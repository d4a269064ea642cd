"""The table of docs/policies.md: each rule, its parameters, and what an API server refuses by it."""

from __future__ import annotations

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.policy_rule import PolicyRule
from aimass_compiler.pipeline.policy import Policy

#: What parameters without defaults are, so that each rule can say what an API server is to ask.
_CHOSEN = {
    "registries": {"allowed": ["ghcr.io"]},
    "hosts": {"allowed": []},
    "expression": {"check": "true", "on_server": {"check": "true"}},
    "accelerators": {"server": 1, "servers": 1, "training": 1},
    "servers": {"zones": 2},
}


def policy_table() -> str:
    """A row for each rule."""
    rows = [_row(name) for name in names("policies")]
    head = ["| rule | what must be so | parameters | what an API server refuses |", "|---|---|---|---|"]
    return "\n".join([*head, *rows]) + "\n"


def _row(name: str) -> str:
    kind = load("policies", name)
    policy = Policy.model_validate({"why": "so be it", "rule": {name: _CHOSEN.get(name)}})
    summary = (kind.__doc__ or "").partition("\n")[0]
    parameters = ", ".join(f"`{field.alias or key}`" for key, field in kind.model_fields.items())
    return f"| `{name}` | {summary} | {parameters} | {_refused(policy.rule)} |"


def _refused(rule: PolicyRule) -> str:
    """The resources that it asks about, and what it cannot see."""
    if not rule.admissions():
        return f"nothing: {rule.unseen}"
    seen = ", ".join(f"`{name}`" for name in dict.fromkeys(each.resource.name for each in rule.admissions()))
    return f"{seen}; not {rule.unseen}" if rule.unseen else seen
