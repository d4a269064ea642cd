"""Every rule of a policy objects to what breaks it, in the spec and with its words, and to nothing else."""

from __future__ import annotations

import copy
import json
import re
import sys
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
import yaml
from pydantic import ValidationError

from aimass_compiler.catalog import expression_language, names
from aimass_compiler.compile import compile_spec
from aimass_compiler.conventions import RESOLVED_FILE
from aimass_compiler.diagnostics import Finding, Severity
from aimass_compiler.pipeline.policy import Policies, Policy
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render import render
from aimass_compiler.render.facts import Resolved
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.yaml.reader import parse

FILE = "specs/churn.yaml"
DIGEST = "sha256:" + "a" * 64
#: A spec that keeps every rule below.
SPEC = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn, owner: growth@example.com}
data:
  sources: {rows: data/rows.csv}
  columns: {x: number, note: {type: text, missing: 0.1}, "y": {type: category, values: [a, b]}}
target: "y"
features: [{standardize: x}, {hash_text: note}]
model: naive_bayes
training: {gpus: 2}
evaluation: {gates: [{metric: roc_auc, beats: released}]}
monitoring: {runbook: "https://wiki.example.com/churn"}
serving:
  replicas: {min: 3, max: 5, zones: 2}
  objectives: {availability: 99.9%}
  rollout: {canary: [10, 100]}
  gateway: {host: churn.ml.example.com}
  logs: {predictions: {sample: 0.1, pii: reviewed}}
"""
LANGUAGE = """
apiVersion: aimass/v1
kind: Model
metadata: {name: churn}
data:
  sources: {tickets: data/tickets.jsonl}
  columns: {prompt: text, answer: text}
target: answer
model:
  language_model:
    base:
      hub: acme/large
      revision: 0123456789abcdef0123456789abcdef01234567
    adapter: lora
    sequence_length: 1024
"""
SETTINGS = {
    "environments": {"dev": {}, "prod": {}},
    "images": {
        "registry": "registry.example.com/ml",
        **dict.fromkeys(("python", "ray", "kubectl", "vllm", "vllm_cpu"), f"image@{DIGEST}"),
    },
    "prometheus": {"retention": "15d"},
}
RULES: dict[str, Any] = {
    "servers": {"min": 3, "zones": 2},
    "ownership": None,
    "availability": {"min": "99.5%"},
    "pinned_images": None,
    "registries": ["registry.example.com/ml", "ghcr.io/acme"],
    "reviewed_logs": None,
    "accelerators": {"server": 1, "servers": 4, "training": 2},
    "released_gate": None,
    "canary": {"first": 10},
    "retention": None,
    "hosts": ["*.ml.example.com", "models.example.com"],
    "expression": {
        "check": "seconds(here.serving.limits.timeout) <= 5.0 && team == ''",
        "message": "a request may take too long",
        "at": "serving.limits.timeout",
    },
}


def changed(text: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """A document with other values at paths; None removes what is there."""
    document: dict[str, Any] = copy.deepcopy(yaml.safe_load(text) if isinstance(text, str) else text)
    for path, value in changes.items():
        *above, last = path.split(".")
        here = document
        for step in above:
            here = here.setdefault(step, {})
        here.pop(last, None) if value is None else here.__setitem__(last, value)
    return document


def found(
    rules: Mapping[str, Any],
    spec: Mapping[str, Any],
    settings: Mapping[str, Any] = SETTINGS,
    **policy: Any,
) -> list[Finding]:
    """What policies of these rules object to."""
    policies = {
        name: {"why": "so be it", "rule": {name: rule}} | policy.get("policy", {})
        for name, rule in rules.items()
    }
    known = Policies.model_validate({"policies": policies, "waivers": policy.get("waivers", {})})
    text = yaml.safe_dump(dict(spec), sort_keys=False)
    compiled = compile_spec(parse(text, FILE), Settings.model_validate(settings), rules=known)
    return [each for each in compiled.findings if each.code in ("AM184", "AM185", "AM186")]


def told(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(".".join(map(str, each.path)), each.message.partition("; policy")[0]) for each in findings]


def test_there_is_a_case_of_every_rule() -> None:
    assert RULES.keys() == set(names("policies")) == {rule for rule, *_ in BROKEN}


def test_a_spec_that_keeps_all_rules_is_told_nothing() -> None:
    assert found(RULES, yaml.safe_load(SPEC)) == []


AVAILABILITY = "serving.objectives.availability"
SAMPLE = "serving.logs.predictions.sample"
HOST = "serving.gateway.host"
CANARY = "serving.rollout.canary"
#: The rule, what is changed of the spec and of aimass.yaml, and what is said where.
BROKEN: list[tuple[str, dict[str, Any], dict[str, Any], tuple[str, str]]] = [
    ("servers", {"serving.replicas.min": 2}, {},
     ("serving.replicas.min", "2 servers always run, where 3 are wanted")),
    ("servers", {"serving.replicas.zones": None}, {},
     ("serving.replicas.zones", "servers may all be in one zone, where 2 are wanted")),
    ("servers", {"environments.prod": {"serving": {"replicas": {"min": 1}}}}, {},
     ("environments.prod.serving.replicas.min", "in prod, 1 server always runs, where 3 are wanted")),
    ("ownership", {"metadata.owner": None}, {}, ("metadata", "no one owns the model")),
    ("ownership", {"monitoring.runbook": None}, {},
     ("monitoring.runbook", "alerts link to no runbook")),
    ("availability", {AVAILABILITY: "99%"}, {},
     (AVAILABILITY, "99% of requests are promised to succeed, and 99.5% must be")),
    ("availability", {"serving.objectives": None}, {},
     (AVAILABILITY, "no one decided about the availability, which is 99.9% by default")),
    ("pinned_images", {}, {"images.python": "python:3.11-slim"},
     ("images.python", "servers are made from `python:3.11-slim`, which may be another image tomorrow")),
    ("registries", {}, {"images.registry": "ghcr.io/acmee"},
     ("images.registry", "images come from `ghcr.io/acmee`, and must come from `registry.example.com/ml`, "
      "`ghcr.io/acme`")),
    ("reviewed_logs", {"serving.logs.predictions.pii": None}, {},
     (SAMPLE, "`note` may hold personal data, and 10 % of all requests are logged")),
    ("accelerators", {"training.gpus": 1, "training.workers": 3}, {},
     ("training.gpus", "training takes 3 accelerators, and the policy allows 2")),
    ("released_gate", {"evaluation.gates": [{"metric": "roc_auc", "min": 0.8}]}, {},
     ("evaluation.gates", "no gate compares a new model with the one that is released")),
    ("canary", {"serving.rollout": None}, {}, (CANARY, "a new version takes over all traffic at once")),
    ("canary", {CANARY: [25, 100]}, {},
     (CANARY, "a new version begins with 25 % of the traffic, and 10 % are allowed")),
    ("retention", {}, {"prometheus": {"retention": "1d"}},
     ("prometheus.retention", "Prometheus keeps samples for 1d, and must for 3d")),
    ("retention", {}, {"prometheus": {}},
     ("prometheus.retention", "no one says how long Prometheus keeps samples")),
    ("hosts", {HOST: "churn.example.com"}, {}, (HOST, "the host `churn.example.com` is not allowed")),
    ("expression", {"serving.limits.timeout": "6s"}, {},
     ("serving.limits.timeout", "a request may take too long")),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "spec", "settings", "wanted"), BROKEN, ids=[each[3][1] for each in BROKEN])
def test_what_breaks_a_rule_is_found_where_it_is_written(
    rule: str, spec: dict[str, Any], settings: dict[str, Any], wanted: tuple[str, str]
) -> None:
    """Beside all other rules, which have nothing to object to."""
    findings = found(RULES, changed(SPEC, spec), changed(yaml.safe_dump(SETTINGS), settings))
    assert told(findings) == [wanted]
    (finding,) = findings
    assert finding.is_error
    assert finding.message.endswith(f"; policy `{rule}`: so be it")
    assert finding.file == ("aimass.yaml" if settings else FILE)
    assert [each.file for each in finding.related] == [f"policies/{rule}.yaml"]


@pytest.mark.parametrize(("hidden", "is_exempt"), [("omit", True), ("hash", True), (None, False)])
def test_texts_that_leave_no_server_need_no_review(hidden: str | None, is_exempt: bool) -> None:
    """Neither by the spec nor by the cluster, whose objects do not tell which columns are texts."""
    changes = {"data.columns.note.pii": hidden, "serving.logs.predictions.pii": None}
    spec = changed(SPEC, changes)
    assert (found({"reviewed_logs": None}, spec) == []) is is_exempt
    compiled = compile_spec(parse(yaml.safe_dump(spec), FILE), Settings.model_validate(SETTINGS))
    assert compiled.pipeline is not None
    record = json.loads(render(compiled.pipeline)[RESOLVED_FILE])
    model = msgspec.convert(record, type=Resolved)
    rule = Policy.model_validate({"why": "so", "rule": {"reviewed_logs": None}}).rule
    assert rule.is_exempt(model, model.environments["prod"]) is is_exempt


def test_a_shared_server_is_what_serves_its_models() -> None:
    settings = changed(yaml.safe_dump(SETTINGS), {"servers.small": {"replicas": {"min": 2, "zones": 2}}})
    spec = changed(SPEC, {"serving": {"shared": "small"}})
    findings = found({"servers": RULES["servers"]}, spec, settings)
    assert told(findings) == [("servers.small.replicas.min", "2 servers always run, where 3 are wanted")]
    assert findings[0].file == "aimass.yaml"
    settings["servers"]["small"]["replicas"]["min"] = 3
    assert found({"servers": RULES["servers"]}, spec, settings) == []


def test_accelerators_of_servers_are_counted() -> None:
    device = {"name": "nvidia-l4", "memory": "24Gi", "count": 2}
    settings = changed(yaml.safe_dump(SETTINGS), {"environments.prod.accelerator": device})
    spec = changed(LANGUAGE, {"serving.replicas": {"min": 1, "max": 3}})
    assert told(found({"accelerators": RULES["accelerators"]}, spec, settings)) == [
        ("accelerator", "in prod, each server has 2 accelerators, and the policy allows 1"),
        ("serving.replicas.max", "in prod, 3 servers have 6 accelerators, and the policy allows 4"),
    ]
    unpinned = changed(yaml.safe_dump(settings), {"images.vllm": "vllm/vllm-openai:v0.32.0"})
    (image,) = told(found({"pinned_images": None}, spec, unpinned))
    assert image[0] == "images.vllm"


WHERE = [
    ({"environments": ["dev"]}, False),
    ({"environments": ["prod"]}, True),
    ({"tasks": ["regression"]}, False),
    ({"tasks": ["classification", "regression"]}, True),
    ({"teams": ["growth"]}, False),
    ({"labels": {"tier": "gold"}}, True),
    ({"labels": {"tier": "lead"}}, False),
]


@pytest.mark.parametrize(("where", "is_told"), WHERE)
def test_a_policy_is_about_whom_it_says(where: dict[str, Any], is_told: bool) -> None:
    spec = changed(SPEC, {"environments.prod": {"serving": {"replicas": {"min": 1}}}})
    settings = {**SETTINGS, "labels": {"tier": "gold"}}
    assert bool(found({"servers": RULES["servers"]}, spec, settings, policy={"where": where})) is is_told


def test_a_policy_that_warns_stops_nothing_and_is_accepted_like_any_warning() -> None:
    rules, spec = {"canary": RULES["canary"]}, changed(SPEC, {"serving.rollout": None})
    (warning,) = found(rules, spec, policy={"level": "warn"})
    assert warning.severity is Severity.WARNING
    accepted = {**spec, "waivers": [{"code": "AM184", "reason": "callers cannot be divided"}]}
    assert found(rules, accepted, policy={"level": "warn"}) == []
    assert [each.code for each in found(rules, accepted)] == ["AM184"]


WAIVER = {"model": "churn", "reason": "it is new", "until": "2027-03-31"}


def test_a_waiver_lets_its_model_be_where_it_says() -> None:
    rules = {"servers": RULES["servers"]}
    spec = changed(SPEC, {"serving.replicas.min": 1})
    for environments, left in (([], []), (["dev"], ["in prod"]), (["dev", "prod"], [])):
        waivers = {"servers": [{**WAIVER, "environments": environments}]}
        messages = [message for _, message in told(found(rules, spec, waivers=waivers))]
        assert [message.partition(",")[0] for message in messages] == left
    of_others = {"servers": [{**WAIVER, "model": "growth/churn"}]}
    assert [each.code for each in found(rules, spec, waivers=of_others)] == ["AM184"]


def test_the_approvers_of_a_policy_are_named() -> None:
    approvers = {"approvers": ["acme/platform", "anna"]}
    (finding,) = found({"canary": None}, changed(SPEC, {"serving.rollout": None}), policy=approvers)
    assert finding.help.endswith(
        "or ask `@acme/platform` or `@anna` for a waiver in `policies/waivers/canary.yaml`"
    )


WRITTEN = [
    ("here ++ 1", "at its column 7: Syntax error: extraneous input '+'"),
    (
        "heer.serving == 1",
        "at its column 5: undeclared reference to 'heer.serving'; "
        "it may name pipeline, here, environment, team",
    ),
    ("team + 'a'", "its value is of type string, and a claim is true or false"),
]


@pytest.mark.parametrize(("claim", "message"), WRITTEN)
def test_a_claim_that_cannot_be_read_is_refused_where_it_stands(claim: str, message: str) -> None:
    text = yaml.safe_dump({"why": "so be it", "rule": {"expression": {"check": claim}}})
    document, _ = parse(text, "policies/own.yaml")
    (finding,) = decode(Policy, document.data, document.file, document.written)[1]
    assert finding.message == f"it is no claim in CEL: {message}"
    assert finding.path == ("rule", "expression", "check")


def test_without_its_library_an_expression_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cel_expr_python", None)
    expression_language._environment.cache_clear()
    with pytest.raises(ValidationError, match=re.escape("pip install aimass-compiler[policies]")):
        Policy.model_validate({"why": "so be it", "rule": {"expression": "environment == 'not yet asked'"}})


def _rounds(depth: int) -> str:
    """A claim that asks for nine times as much with each level."""
    nine = "[1, 2, 3, 4, 5, 6, 7, 8, 9]"
    return "true" if depth == 0 else f"{nine}.all(x{depth}, {_rounds(depth - 1)})"


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        ("here.serving.nodes <= 2", 'Key not found in map : "nodes"'),
        ("here.serving.replicas > 2", "No matching overloads found : _>_(map, int64)"),
        ("here.serving.replicas.min", "its value is neither true nor false"),
        (
            "seconds(here.serving.resources.memory) < 2.0",
            "`512Mi` is not a duration; write it like `30s` or `10m`",
        ),
        (_rounds(6), "Iteration budget exceeded"),
    ],
)
def test_an_expression_without_an_answer_is_a_fault_of_the_policy(claim: str, reason: str) -> None:
    (finding,) = found({"expression": claim}, yaml.safe_load(SPEC))
    assert (finding.code, finding.file) == ("AM185", "policies/expression.yaml")
    assert finding.message == f"the expression has no answer: {reason}"
