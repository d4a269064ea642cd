"""What is measured, in groups: the trials of a group take turns, so that a goal compares like with like."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.compile.contenders import Aimass, Trial, floor_trials, peer_trial
from benchmarks.compile.peers import Peer
from benchmarks.compile.peers.cdk8s import Cdk8s
from benchmarks.compile.peers.cue import CueApart, CueTogether
from benchmarks.compile.peers.helm import HelmApart, HelmTogether
from benchmarks.compile.peers.jsonnet import Jsonnet
from benchmarks.compile.peers.kapitan import Kapitan
from benchmarks.compile.peers.kustomize import KubectlApart, KustomizeApart, KustomizeTogether
from benchmarks.compile.peers.sloth import Sloth
from benchmarks.compile.tools import Tools
from benchmarks.compile.work import ENVIRONMENTS, services

FLOOR = "the floor"
#: With one model, the ways of calling a tool for many are all the same.
FOR_ONE: tuple[Peer, ...] = (
    HelmApart(), KustomizeApart(), KubectlApart(), Jsonnet(), CueApart(), Kapitan(), Cdk8s(), Sloth(),
)  # fmt: skip
#: kubectl has kustomize's own code, so it is not asked for many.
FOR_MANY: tuple[Peer, ...] = (
    HelmTogether(), HelmApart(), KustomizeTogether(), KustomizeApart(),
    Jsonnet(), CueTogether(), CueApart(), Kapitan(), Cdk8s(), Sloth(),
)  # fmt: skip

#: A case's name and one contender on it.
Group = Sequence[tuple[str, Trial]]


@dataclass(frozen=True)
class Sizes:
    """How many models the cases have; a quick run has fewer."""

    some: int
    many: int
    most: int


def models(count: int, *, environments: int = len(ENVIRONMENTS), state: str = "") -> str:
    """What a case is called."""
    amount = "one model" if count == 1 else f"{count:,} models"
    place = ", one environment" if environments == 1 else ""
    return f"{amount}{place}{', ' if state else ''}{state}"


def one_model(tools: Tools, folder: Path, peers: Sequence[Peer]) -> Iterator[tuple[str, Trial]]:
    """The floor, and everybody on one model."""
    one = services(1)
    for trial in floor_trials(tools, folder):
        yield FLOOR, trial
    for peer in peers:
        if peer.takes_environments:
            trial = peer_trial(peer, tools, folder / "place", one, ENVIRONMENTS[-1:])
            yield models(1, environments=1), trial
    for peer in peers:
        yield models(1), peer_trial(peer, tools, folder / "one", one, ENVIRONMENTS)
    yield models(1), Aimass(tools, folder / "cold", one).cold()
    yield models(1, state="nothing changed"), Aimass(tools, folder / "unchanged", one).unchanged()
    yield models(1, state="changed"), Aimass(tools, folder / "changed", one).one_changed()


def some_models(
    tools: Tools, folder: Path, peers: Sequence[Peer], sizes: Sizes
) -> Iterator[tuple[str, Trial]]:
    """Everybody on some models, and aimass-compile on many of which one or none has changed."""
    some, many = services(sizes.some), services(sizes.many)
    for peer in peers:
        yield models(sizes.some), peer_trial(peer, tools, folder / "some", some, ENVIRONMENTS)
        if peer.tool == "helm":
            trial = peer_trial(peer, tools, folder / "place", some, ENVIRONMENTS[-1:])
            yield models(sizes.some, environments=1), trial
    yield models(sizes.some), Aimass(tools, folder / "cold", some).cold()
    unchanged, changed = Aimass(tools, folder / "unchanged", many), Aimass(tools, folder / "changed", many)
    yield models(sizes.many, state="nothing changed"), unchanged.unchanged()
    yield models(sizes.many, state="one changed"), changed.one_changed()


def many_models(
    tools: Tools, folder: Path, peers: Sequence[Peer], sizes: Sizes
) -> Iterator[tuple[str, Trial]]:
    """Everybody, in the better way of calling each, on many models."""
    many = services(sizes.many)
    for peer in peers:
        yield models(sizes.many), peer_trial(peer, tools, folder / "many", many, ENVIRONMENTS)
    yield models(sizes.many), Aimass(tools, folder / "cold", many).cold()


def most_models(tools: Tools, folder: Path, sizes: Sizes) -> Iterator[tuple[str, Trial]]:
    """aimass-compile on as many as no peer is asked for, to see how it grows."""
    yield models(sizes.most), Aimass(tools, folder / "cold", services(sizes.most)).cold()
