"""Who applies to an environment is one identity or a list of them, for the decoder and for the schema."""

from __future__ import annotations

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from aimass_compiler.conventions import SETTINGS_FILE
from aimass_compiler.pipeline.deployer import Deployer
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.spec.decode.decoder import decode

VALIDATOR = Draft202012Validator(Settings.model_json_schema(by_alias=True))
PLACE = ("environments", "prod", "deployer")
REFUSED: list[tuple[Any, tuple[str | int, ...], str, str]] = [
    ([], (), "AM107", "`deployer` must have at least 1 item, not 0"),
    ("alice", (), "AM103", "`deployer` must be a mapping, not `alice`"),
    (["alice"], (0,), "AM103", "item 1 of `deployer` must be a mapping, not `alice`"),
    ({"usr": "a"}, ("usr",), "AM102", "there is no key `usr`"),
    ([{"user": "a"}, {"usr": "a"}], (1, "usr"), "AM102", "in item 2 of `environments.prod.deployer`"),
    ({"user": "a", "group": "b"}, (), "AM100", "exactly one of `service_account`, `user` and"),
    ([{"user": "a", "group": "b"}], (0,), "AM100", "exactly one of `service_account`, `user` and"),
]


def written(deployer: Any) -> dict[str, Any]:
    return {"environments": {"prod": {"deployer": deployer}}}


@pytest.mark.parametrize(
    ("deployer", "meant"),
    [
        ({"user": "a"}, Deployer(user="a")),
        ([{"user": "a"}], (Deployer(user="a"),)),
        ([{"user": "a"}, {"group": "b"}], (Deployer(user="a"), Deployer(group="b"))),
        (None, None),
    ],
)
def test_one_and_several_are_taken(deployer: Any, meant: Any) -> None:
    settings, found = decode(Settings, written(deployer), SETTINGS_FILE)
    assert found == []
    assert settings is not None
    assert settings.environments["prod"].deployer == meant
    assert list(VALIDATOR.iter_errors(written(deployer))) == []


@pytest.mark.parametrize(("deployer", "path", "code", "told"), REFUSED)
def test_what_is_none_is_told_once_at_its_place(
    deployer: Any, path: tuple[str | int, ...], code: str, told: str
) -> None:
    [finding] = decode(Settings, written(deployer), SETTINGS_FILE)[1]
    assert (finding.path, finding.code) == ((*PLACE, *path), code)
    assert told in finding.message
    if code != "AM100":  # which no schema can say
        assert list(VALIDATOR.iter_errors(written(deployer)))
