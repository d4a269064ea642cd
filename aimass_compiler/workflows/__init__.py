"""Settings to the workflows `aimass-*.yml` of GitHub Actions: a pure function, and its templates."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.version import __version__
from aimass_compiler.workflows.actions import ACTIONS
from aimass_compiler.workflows.dependencies import installing, wheels_for_images

if TYPE_CHECKING:
    import jinja2

#: How many jobs a matrix may have. Source: https://docs.github.com/en/actions/reference/limits
MOST_JOBS = 256
#: How commands are told who signs what they push, by the way in which environments want it signed.
_BY_WHOM = {"": "", "key": " --sign-key env://AIMASS_SIGN_KEY", "identity": " --keyless"}
_FLAGS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))


def render(settings: Settings, models: int) -> dict[str, bytes]:
    """Every workflow by its path below `.github`, for a project with so many models; none without `ci`."""
    github = settings.ci.github
    if github is None:
        return {}
    signers = settings.signers if settings.images.has_registry else frozenset()
    signing = "identity" if "identity" in signers else next(iter(signers), "")
    known: Mapping[str, Any] = {
        "github": github,
        "registry": settings.images.registry.partition("/")[0] if settings.images.has_registry else "",
        "signing": signing,
        "by_whom": _BY_WHOM[signing],
        "environments": [_word(name) for name in settings.environments],
        "delivered": [_word(name) for name in settings.delivered],
        "first": _word(next(iter(settings.environments))),
        "batches": range(1, batches(models) + 1),
    }
    wanted = {
        "check": True,
        "train": True,
        "deliver": bool(settings.delivered),
        "drift": github.drift,
        "verify": github.verify,
        "pages": github.pages,
    }
    return {
        f"{conventions.WORKFLOWS_FOLDER}/aimass-{name}.yml": _filled(name, known)
        for name, is_wanted in sorted(wanted.items())
        if is_wanted
    }


def batches(models: int) -> int:
    """How many matrices it takes to train so many models, each in a job of its own; at least one."""
    return max(1, -(-models // MOST_JOBS))


def _word(name: str) -> str:
    """A name as YAML reads it as one, in quotes where it could be a flag or a number."""
    is_plain = re.fullmatch(r"[a-z][a-z0-9-]*", name) and name not in _FLAGS
    return name if is_plain else json.dumps(name)


def _filled(name: str, known: Mapping[str, Any]) -> bytes:
    return _environment().get_template(f"{name}.yml.jinja").render(known).encode()


@cache
def _environment() -> jinja2.Environment:
    """Jinja with signs that neither GitHub's expressions nor shells have."""
    import jinja2

    folder = resources.files(__package__).joinpath("templates")
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(lambda name: folder.joinpath(name).read_text(encoding="utf-8")),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701  # not HTML: settings take nothing that YAML or a shell reads
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        block_start_string="<%",
        block_end_string="%>",
        variable_start_string="<@",
        variable_end_string="@>",
        comment_start_string="<#",
        comment_end_string="#>",
        finalize=_without_last_line_end,
    )
    environment.globals.update(
        version=__version__,
        actions=ACTIONS,
        installing=installing,
        wheels_for_images=wheels_for_images,
        plan_marker=conventions.PLAN_MARKER,
    )
    return environment


def _without_last_line_end(value: object) -> object:
    """What a macro gave, without the line end that its call has anyway."""
    return value.rstrip("\n") if isinstance(value, str) else value
