"""What serves a language model, by the names that `serving.engine` has: what each can do and takes."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from aimass_compiler import conventions


class LanguageEngine(Struct, frozen=True, kw_only=True):
    """A program that serves a package of a language model."""

    name: str
    is_ours: bool
    """Whether it is of this project: its image is part of a release, and it serves the package's graph."""
    runs_on_accelerators: bool
    """Whether it runs there where a server has some."""
    cpu: str
    memory: str
    """What a server asks for where a spec does not say."""
    own_keys: tuple[str, ...] = ()
    """The keys of `serving` that it alone knows."""
    not_kept: Mapping[str, str] = {}
    """The keys of `serving` that it knows nothing of, each with what helps."""

    @property
    def metric_prefix(self) -> str:
        """What the names of its metrics begin with."""
        return conventions.ENGINE_PREFIXES[self.name]

    @property
    def has_adapters(self) -> bool:
        """Whether it serves adapters beside their base."""
        return "adapters" in self.own_keys


ONNX = LanguageEngine(name="onnx", is_ours=True, runs_on_accelerators=False, cpu="2", memory="2Gi")
VLLM = LanguageEngine(
    name="vllm",
    is_ours=False,
    runs_on_accelerators=True,
    cpu="4",
    memory="16Gi",
    own_keys=("adapters", "adapter_of", "nodes", "vllm"),
    not_kept={
        "limits.body": "leave it out, and limit bodies at the gateway",
        "logs.predictions.sample": "leave it out",
        "objectives.latency": "promise `first_token` and `token` in its place",
    },
)
ENGINES: Mapping[str, LanguageEngine] = {each.name: each for each in (ONNX, VLLM)}


def engine_named(name: str | None) -> LanguageEngine:
    """The engine that a spec names, or that serves where it names none."""
    return ONNX if name is None else ENGINES[name]
