"""Breaks of a contract that callers agreed to, held against those that happen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from msgspec.structs import replace

from aimass_compiler.impact.contract import Breach, Compatibility, of_contracts
from aimass_compiler.impact.release_changes import GitReleases, Versions
from aimass_compiler.releases.accepted_breaks import DamagedAcceptance, accepted_breaks, models_of
from aimass_compiler.releases.version_record import version_of
from aimass_compiler.render.facts import Contract


class Acceptance:
    """What is accepted: by rule on the command line, and by name in the files of each model."""

    def __init__(self, root: Path, rules: Collection[str] = ()) -> None:
        self.root = root
        self._rules = rules
        self._names: dict[str, Collection[str]] = {}
        self.damaged: list[str] = []
        """What is wrong with files that cannot be read."""

    def of(self, model: str) -> Collection[str]:
        """The names of the breaks that a model's file accepts."""
        if model not in self._names:
            try:
                self._names[model] = accepted_breaks(self.root, model).keys()
            except DamagedAcceptance as damaged:
                self.damaged.append(str(damaged))
                self._names[model] = ()
        return self._names[model]

    def held(self, model: str, found: Iterable[Breach]) -> Iterator[Breach]:
        """The breaches, of which those are marked that are accepted."""
        names = self.of(model)
        for each in found:
            by_rule = {each.rule, f"{model}:{each.rule}"} & {*self._rules}
            yield replace(each, is_allowed=bool(by_rule) or each.name in names)


def models_with_acceptances(root: Path) -> list[str]:
    """The models whose callers agreed to something, sorted."""
    return models_of(root)


def unused(
    accepted: Collection[str],
    happening: Iterable[Breach],
    releases: GitReleases,
    versions: Versions,
    model: str,
    contract: Contract | None,
) -> list[str]:
    """The accepted breaks that neither happen now nor are still to come with the model's recipe.

    One is to come where a version that is released somewhere has another contract than the recipe.
    """
    names = {each.name for each in happening if each.severity is not Compatibility.COMPATIBLE}
    for environment in releases.environments_of(model):
        release = releases.found.get((environment, model))
        record = version_of(versions.of(model), release.digests) if release else None
        if record is not None and contract is not None:
            names |= {each.name for each in of_contracts(record.contract, contract)}
    return sorted(set(accepted) - names)
