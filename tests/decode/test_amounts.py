"""Amounts have a unit that means something there, and lie where they can be meant."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from aimass_compiler.catalog.quantities import Bytes, Cores, Duration, Percentage
from aimass_compiler.spec.decode.decoder import decode
from aimass_compiler.spec.decode.model_spec import ModelSpec
from tests.cases.front_end import SHOWN, base

VALIDATOR = Draft202012Validator(ModelSpec.model_json_schema(by_alias=True))
KINDS = (Bytes, Cores, Duration, Percentage)

#: What is wrong with the amount → words of what is said of it.
REFUSED = {
    "serving: {limits: {body: 500m}}": "`500m` is not a whole number of bytes",
    "serving: {limits: {body: 0.1Ki}}": "`0.1Ki` is not a whole number of bytes",
    "serving: {limits: {body: true}}": "`True` is not a whole number of bytes",
    "serving: {limits: {body: 0}}": "`body` must be at least 1, not `0`",
    "serving: {limits: {body: 3Gi}}": "`body` must be at most 2Gi, not `3Gi`",
    "serving: {resources: {memory: 5m}}": "`5m` is not a whole number of bytes",
    "serving: {resources: {memory: 512}}": "`memory` must be at least 16Mi, not `512`",
    "serving: {resources: {cpu: 70%}}": "`70%` is not a number of cores",
    "serving: {resources: {cpu: 0.5m}}": "`0.5m` is not a number of cores",
    "serving: {resources: {cpu: 512Mi}}": "`512Mi` is not a number of cores",
    "serving: {resources: {cpu: 0}}": "`cpu` must be at least 1m, not `0`",
    "training: {resources: {memory: lots}}": "`lots` is not a whole number of bytes",
    "serving: {rollout: {surge: 1000%}}": "`surge` must be at most 100%, not `1000%`",
    "serving: {rollout: {surge: 0%}}": "`surge` must be at least 0.001%, not `0%`",
    "serving: {replicas: {cpu: 150%}}": "`cpu` must be at most 100%, not `150%`",
    "serving: {replicas: {cpu: 70}}": "`70` is not a percentage",
    "serving: {objectives: {availability: 101%}}": "`availability` must be at most 100%",
    "serving: {objectives: {availability: 99.9}}": "`99.9` is not a percentage",
    "serving: {objectives: {latency: {p50: 0ms}}}": "`p50` must be at least 0.01ms, not `0ms`",
    "serving: {limits: {timeout: 2h}}": "`timeout` must be at most 30m, not `2h`",
    "serving: {tests: {load: {for: 0s}}}": "`for` must be at least 0.01ms, not `0s`",
    "search: {time: 0s}": "`time` must be at least 0.01ms, not `0s`",
    "search: {time: 99999999999999999999999999999999999w}": "`time` must be at most 3650d",
    "environments: {prod: {monitoring: {drift: {window: 0.5s}}}}": "`window` must be at least 1s",
}
TAKEN = (
    "serving: {limits: {body: 1}}",
    "serving: {limits: {body: 2147483648}}",
    "serving: {resources: {cpu: 0.5, memory: 16Mi}}",
    "serving: {resources: {cpu: 1.5, memory: 1.5Gi}}",
    "serving: {rollout: {surge: 100%}, replicas: {cpu: 1%}}",
    "serving: {limits: {timeout: 1ms}, tests: {soak: 2h}}",
    "training: {resources: {memory: 4000000000}}",
    "monitoring: {drift: {window: 365d}}",
)
#: What the schema cannot say either way: ends that are not zero, and what is whole.
BEYOND_A_SCHEMA = ("at least 1s", "at least 16Mi", "at most", "`0.1Ki`", "`0.5m`")


@pytest.mark.parametrize("change", REFUSED)
def test_nonsense_is_told_at_its_place(change: str) -> None:
    [finding] = decode(ModelSpec, base(change), SHOWN)[1]
    assert REFUSED[change] in finding.message
    assert finding.path[0] == change.partition(":")[0]
    assert finding.path[-1] == change.rpartition("{")[2].partition(":")[0]


@pytest.mark.parametrize("change", TAKEN)
def test_what_can_be_meant_is_taken(change: str) -> None:
    assert decode(ModelSpec, base(change), SHOWN)[1] == []


@pytest.mark.parametrize("change", [*REFUSED, *TAKEN])
def test_the_schema_says_the_same_of_units_and_nothing(change: str) -> None:
    if any(words in REFUSED.get(change, "") for words in BEYOND_A_SCHEMA):
        return
    assert VALIDATOR.is_valid(base(change)) == (change in TAKEN)


@given(
    st.sampled_from(KINDS), st.text("0123456789.mskKMGTPiwdh%e+- ", max_size=6) | st.floats() | st.integers()
)
def test_an_amount_that_is_taken_lies_between_its_ends(kind: type[Duration], written: str | float) -> None:
    try:
        amount = kind.read(written)
    except ValueError:
        return
    assert amount == str(written)
    assert kind(kind.least).amount <= amount.amount <= kind(kind.most).amount


def test_amounts_are_in_plain_units() -> None:
    assert [Bytes(text).size for text in ("7", "1.5Ki", "2G")] == [7, 1536, 2_000_000_000]
    assert [Duration(text).seconds for text in ("500ms", "1.5m", "1w")] == [0.5, 90, 604_800]
    assert Percentage("99.9%").fraction == 0.999
    assert Cores("500m").amount == Cores("0.5").amount
