"""What a target cannot express is told, at the value that causes it, and nothing is told without cause."""

from __future__ import annotations

from typing import Any

import pytest

from aimass_compiler import checks
from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.diagnostics import Path
from aimass_compiler.language import codes
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render import environments
from aimass_compiler.render.targets import PLATFORMS, TARGETS
from render.models import OVERRIDES, VARIED, merged, pipeline

OF_KUBERNETES = [target for name, target in TARGETS.items() if name != "dvc"]
GATEWAY = {"host": "churn.example.com"}


def serves(**changes: Any) -> Pipeline:
    return pipeline({"serving": changes})


def trains(**changes: Any) -> Pipeline:
    return pipeline({"training": changes})


def settled(**settings: Any) -> Pipeline:
    return pipeline(settings=settings)


def deployed(**deployer: Any) -> Pipeline:
    return settled(environments={"live": {"deployer": deployer}})


def in_prod(part: str, **changes: Any) -> Pipeline:
    return pipeline(overrides=merged(OVERRIDES, {"prod": {part: changes}}))


def latency(**limits: str) -> Pipeline:
    return serves(objectives={"latency": limits})


SCHEDULE = ("monitoring", "retrain", "schedule")
LOCAL = {"data": {"sources": {"customers": "data/customers.csv"}}}
BEATS = {"evaluation": {"gates": [{"metric": "roc_auc", "beats": "released"}]}}
NO_TAG = {"images": {"registry": "registry.example.com/ml:1"}}
ONE_PLACE = {"dev": {"namespace": "ml"}, "prod": {"namespace": "ml"}}
EXAMPLES: list[tuple[str, Path, str, Pipeline]] = [
    ("AM411", ("serving", "rollout", "surge"), "not 12.5%", serves(rollout={"surge": "12.5%"})),
    (
        "AM411",
        ("environments", "prod", "serving", "replicas", "cpu"),
        "not 66.6%",
        in_prod("serving", replicas={"cpu": "66.6%"}),
    ),
    (
        "AM411",
        ("serving", "rollout", "canary", 0),
        "not 2.5",
        serves(rollout={"canary": [2.5, 100]}, gateway=GATEWAY),
    ),
    (
        "AM412",
        ("serving", "rollout", "canary", 0),
        "whole number of servers",
        serves(rollout={"canary": [5, 100]}),
    ),
    ("AM413", ("labels", "a b"), "`a b` cannot be the key", settled(labels={"a b": "c"})),
    *(
        ("AM413", ("labels", key), "something else than text", settled(labels={key: "c"}))
        for key in ("1", "true", "Null", "1e3", "0x1F", "1_000", "2001-01-01", "0.5")
    ),
    (
        "AM413",
        ("labels", "team"),
        "`growth team` cannot be the value",
        settled(labels={"team": "growth team"}),
    ),
    (
        "AM413",
        ("labels", "aimass.dev/model"),
        "set by the compiler",
        settled(labels={"aimass.dev/model": "x"}),
    ),
    (
        "AM413",
        ("prometheus", "labels", "release"),
        "cannot be the value",
        settled(prometheus={"labels": {"release": '"}'}}),
    ),
    ("AM414", ("environments", "../up"), "`../up` cannot be the name", settled(environments={"../up": {}})),
    (
        "AM414",
        ("environments", "dev", "namespace"),
        '`"} or up{a="`',
        settled(environments={"dev": {"namespace": '"} or up{a="'}}),
    ),
    ("AM414", ("prometheus", "namespace"), "`A`", settled(prometheus={"namespace": "A"})),
    ("AM414", ("serving", "gateway", "host"), "`https://x`", serves(gateway={"host": "https://x"})),
    (
        "AM414",
        ("environments", "prod", "serving", "gateway", "name"),
        "`My Gateway`",
        in_prod("serving", gateway=GATEWAY | {"name": "My Gateway"}),
    ),
    (
        "AM415",
        ("environments", "prod"),
        "overwrite each other in the namespace `ml`",
        settled(environments=ONE_PLACE),
    ),
    (
        "AM415",
        ("serving", "gateway"),
        "`dev`, `staging` and `prod` have the one host",
        serves(gateway=GATEWAY),
    ),
    (
        "AM414",
        ("environments", "live", "deployer", "service_account", "name"),
        "`My CI` cannot be the name of a ServiceAccount",
        deployed(service_account={"name": "My CI"}),
    ),
    (
        "AM414",
        ("environments", "live", "deployer", "service_account", "namespace"),
        "`C/I` cannot be the name of a namespace",
        deployed(service_account={"namespace": "C/I"}),
    ),
    (
        "AM416",
        ("environments", "live", "deployer", "group"),
        "everyone is `system:authenticated`",
        deployed(group="system:authenticated"),
    ),
    (
        "AM416",
        ("environments", "live", "deployer", 1, "group"),
        "everyone is `system:authenticated`",
        settled(environments={"live": {"deployer": [{"user": "ci"}, {"group": "system:authenticated"}]}}),
    ),
    (
        "AM416",
        ("environments", "live", "deployer", "user"),
        "everyone is `system:anonymous`",
        deployed(user="system:anonymous"),
    ),
    (
        "AM421",
        ("serving", "objectives", "latency", "p99"),
        "watches 100ms instead of 60ms",
        latency(p99="60ms"),
    ),
    (
        "AM422",
        ("serving", "objectives", "latency", "p99"),
        "up to 10s",
        serves(objectives={"latency": {"p99": "11s"}}, limits={"timeout": "20s"}),
    ),
    (
        "AM424",
        ("prometheus", "retention"),
        "over 3d",
        settled(prometheus={"retention": "2d"}),
    ),
    (
        "AM422",
        ("serving", "objectives", "availability"),
        "no request that may fail",
        serves(objectives={"availability": "100%"}),
    ),
    (
        "AM423",
        ("environments", "prod", "serving", "objectives", "availability"),
        "only opens a ticket",
        in_prod("serving", objectives={"availability": "80%"}),
    ),
    ("AM431", ("images", "python"), "does not name an image", settled(images={"python": "Python:3"})),
    ("AM431", ("images", "registry"), "does not name a place", settled(**NO_TAG)),
    ("AM432", ("images", "python"), "which version", settled(images={"python": "python:latest"})),
    ("AM441", ("images", "ray"), "does not name its version", settled(images={"ray": "mirror/ray:nightly"})),
    (
        "AM441",
        ("images", "ray"),
        "is Ray 2.9.0, which has no tokens",
        settled(images={"ray": "rayproject/ray:2.9.0"}),
    ),
    ("AM444", ("environments", "prod", "training"), "trained in `dev`", in_prod("training", seed=4)),
    (
        "AM445",
        ("monitoring", "retrain", "on"),
        "starts no training",
        pipeline({"monitoring": {"retrain": {"on": "drift"}}}),
    ),
    (
        "AM414",
        ("environments", "live", "secrets", 0),
        "cannot be the name of a Secret",
        settled(environments={"live": {"secrets": ["AWS_SECRET=hunter2"]}}),
    ),
    ("AM431", ("images", "registry"), "`ghcr.io/Acme`", settled(images={"registry": "ghcr.io/Acme"})),
    ("AM446", ("queue",), "`my queue`", settled(queue="my queue")),
    ("AM446", ("queue",), "`ML_Queue`", settled(queue="ML_Queue")),
    ("AM447", ("training", "gpus"), "CUDA", trains(gpus=1)),
    ("AM448", SCHEDULE, "reads `data/customers.csv` from its own volume", pipeline(LOCAL)),
    (
        "AM448",
        SCHEDULE,
        "reads `artifacts/churn/released/compared.json` from its own volume",
        pipeline(BEATS),
    ),
    (
        "AM448",
        ("environments", "dev", *SCHEDULE),
        "which nothing fills",
        pipeline(LOCAL, overrides={"dev": {"monitoring": {"retrain": {"schedule": "0 4 * * *"}}}}),
    ),
]


def findings(built: Pipeline) -> list[Any]:
    found = [environments.findings(built), *(target.findings(built) for target in OF_KUBERNETES)]
    return [finding for each in found for finding in each]


@pytest.mark.parametrize(("code", "path", "told", "built"), EXAMPLES)
def test_what_cannot_be_expressed_is_told_at_its_place(
    code: str, path: Path, told: str, built: Pipeline
) -> None:
    found = [finding for finding in findings(built) if (finding.code, finding.path) == (code, path)]
    assert found
    assert told in found[0].message
    assert found[0].help
    is_of_settings = path[0] in ("labels", "images", "prometheus", "queue") or (
        path[0] == "environments" and not {"serving", "training", "monitoring"} & set(path)
    )
    assert found[0].file == (SETTINGS_FILE if is_of_settings else "")


def test_what_can_be_expressed_is_not_complained_about() -> None:
    assert findings(pipeline()) == []
    assert findings(VARIED["route-in-prod"]) == []
    assert findings(pipeline(merged(LOCAL, {"monitoring": {"retrain": {"schedule": None}}}))) == []
    assert (
        findings(
            settled(
                environments={
                    "dev": ONE_PLACE["dev"] | {"server": "a"},
                    "prod": ONE_PLACE["prod"] | {"server": "b"},
                }
            )
        )
        == []
    )
    assert (
        findings(
            pipeline(
                {"training": {"gpus": 2}}, settings={"images": {"ray": "rayproject/ray:2.55.1-py311-cu124"}}
            )
        )
        == []
    )


def test_every_code_is_explained_once_and_has_an_example() -> None:
    others = {"AM400", "AM455"}  # of DVC, of hosts that models share
    others |= {each.code for each in PLATFORMS}
    explained = {code for code in codes.explanations() if code.startswith("AM4")} - others
    explained -= {each.code for each in checks.EXPLANATIONS}
    explained = {code for code in explained if not code.startswith(("AM40", "AM46", "AM48"))}
    assert {code for code, *_ in EXAMPLES} == explained


def test_where_the_job_brings_its_files_from_a_store_nothing_lacks() -> None:
    environments = {"dev": {"store": "s3://models/dvc"}, "staging": {}, "prod": {}}
    assert "AM448" in {finding.code for finding in findings(pipeline(LOCAL))}
    built = pipeline(LOCAL, {"environments": environments})
    assert "AM448" not in {finding.code for finding in findings(built)}
