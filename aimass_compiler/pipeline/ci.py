"""The part `ci` of aimass.yaml: which workflows the compiler writes, and what they run on."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from msgspec import Struct
from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError, core_schema

from aimass_compiler.catalog.quantities import Frozen, Integer, is_absent
from aimass_compiler.pipeline.schedule import mistake


class _Form(Struct, frozen=True):
    """What a text must look like to stand in a workflow as it is."""

    pattern: str
    noun: str
    example: str

    def check(self, value: str) -> str:
        if not re.fullmatch(self.pattern, value):
            named = {"shown": f"`{value}`", "noun": self.noun, "example": f"`{self.example}`"}
            raise PydanticCustomError("form", "{shown} is not {noun}; write it like {example}", named)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        return {**handler(schema), "pattern": f"^({self.pattern})$"}


def _is_schedule(value: str) -> str:
    if "@" in value or "?" in value:
        raise PydanticCustomError("schedule", "GitHub knows cron's five fields only, such as `17 5 * * *`")
    if problem := mistake(value):
        raise PydanticCustomError("schedule", "the schedule makes no sense: {problem}", {"problem": problem})
    return value


_PATH = r"(?!\.\.?(/|$))[A-Za-z0-9_.-]+(/(?!\.\.?(/|$))[A-Za-z0-9_.-]+)*"
_Path = Annotated[str, _Form(_PATH, "a path within the repository", "vendor/aimass.whl")]
_Folder = Annotated[str, _Form(rf"\.|{_PATH}", "a folder of the repository", ".")]
_Version = Annotated[str, _Form(r"[0-9]+(\.[0-9]+)*[A-Za-z0-9.]*", "a version", "0.1.0")]
_Address = Annotated[str, _Form(r"https://[A-Za-z0-9._~:/%+-]+", "an address", "https://example.com/a.git")]
_Commit = Annotated[str, _Form("[0-9a-f]{40}", "a commit in 40 digits", "4be17c20" * 5)]
_Label = Annotated[str, _Form(r"[A-Za-z0-9_.-]+", "the label of a runner", "ubuntu-24.04")]
_Branch = Annotated[str, _Form(r"[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", "the name of a branch", "main")]
_Schedule = Annotated[str, AfterValidator(_is_schedule)]


class CompilerOrigin(Frozen):
    """Where workflows get the compiler from; what it depends on is always pinned in `requirements/`."""

    version: _Version | None = None
    """A release, which `requirements/*.txt` pin with its hashes among the rest."""
    index: _Address | None = None
    """The package index that has this release and all that it depends on; by default PyPI."""
    git: _Address | None = None
    """A repository with the compiler's sources, taken at `commit`."""
    commit: _Commit | None = None
    """The commit of `git`, with all of its 40 digits."""
    wheel: _Path | None = None
    """A wheel that is kept in this repository, by its path."""
    source: _Folder | None = None
    """The folder of this repository with the compiler's own sources, such as `.`."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        given = [self.version, self.git, self.wheel, self.source]
        if sum(part is not None for part in given) != 1:
            raise PydanticCustomError(
                "compiler", "`compiler` must be exactly one of `version`, `git`, `wheel` and `source`"
            )
        if (self.git is None) != (self.commit is None):
            raise PydanticCustomError("compiler", "`git` and `commit` belong together: a branch can change")
        if self.index is not None and self.version is None:
            raise PydanticCustomError("compiler", "`index` is where a `version` comes from; it has none here")
        return self


class TrainingRuns(Frozen):
    """How the workflow trains."""

    schedule: _Schedule | None = None
    """When all models are trained again, in cron's five fields and UTC; without it only what changed is."""
    watch: _Schedule | None = Field(None, exclude_if=is_absent)
    """When it is looked for reasons to train again, `monitoring.retrain.on` of the specs, in UTC; without it
    nothing looks."""
    prepare: _Path | None = None
    """A Python script of the repository that brings the data where DVC has no remote to pull it from."""
    where: Literal["runner", "cluster"] = "runner"
    """Whether the runner trains, or has the cluster of the first environment train (`aimass train`)."""
    minutes: Integer = Field(180, ge=5, le=4320)
    """How long one model may take."""
    at_once: Integer = Field(20, ge=1, le=256)
    """How many models are trained at once."""

    @model_validator(mode="after")
    def _is_told_apart(self) -> Self:
        if self.watch is not None and self.watch == self.schedule:
            message = "`watch` must be another time than `schedule`: GitHub knows a run by its time"
            raise PydanticCustomError("schedule", message)
        return self


class GithubWorkflows(Frozen):
    """The workflows `.github/workflows/aimass-*.yml`, which the compiler writes and keeps in step."""

    compiler: CompilerOrigin
    """Where they get the compiler from."""
    runner: _Label = "ubuntu-24.04"
    """The label of the runners that every job runs on."""
    branch: _Branch = "main"
    """What is on this branch is what runs."""
    concurrency: Literal["queue", "newest"] = "queue"
    """Which runs wait where one is under way for the same environment: all, in a `queue`, or the `newest`
    alone, for servers of GitHub that have no `concurrency.queue` yet."""
    training: TrainingRuns = Field(default_factory=TrainingRuns.default)
    """How models are trained."""
    drift: _Schedule | None = "17 5 * * *"
    """When each cluster is compared with git, in UTC; null writes no such workflow."""
    verify: _Schedule | None = "*/10 * * * *"
    """When it is looked whether a release has proved itself, in UTC; null writes no such workflow."""
    pages: _Address | None = None
    """Where GitHub Pages serve the catalogue of all models: a workflow publishes it, and dashboards and
    comments on pull requests link to it; null publishes none."""
    pull_requests: Literal["token", "app"] = "token"
    """Who opens pull requests: the workflow's own `token`, whose pull requests start no workflows, or a
    GitHub `app` of the variable AIMASS_APP_ID and the secret AIMASS_APP_PRIVATE_KEY."""


class Ci(Frozen):
    """What runs the compiler for every change."""

    github: GithubWorkflows | None = None
    """GitHub Actions."""
