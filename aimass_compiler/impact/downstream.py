"""What a change of a column, a source, an image or an environment reaches: models, gates, alerts, routes.

It is read off the compiled pipelines and the releases in git, before anything runs. What the compiler cannot
know, such as which of several joined sources holds a column, counts as reached and is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from aimass_compiler.checks.policy import holding
from aimass_compiler.compile import Compilation
from aimass_compiler.impact.models import facts_of
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.pipeline.shared_parts import SharedParts
from aimass_compiler.releases import release_file
from aimass_compiler.render.facts import Resolved
from aimass_compiler.render.monitoring.alerts import DRIFT, VIOLATIONS


class Subject(Struct, frozen=True):
    """What is to be changed."""

    kind: Literal["column", "source", "contract", "policy", "image", "environment"]
    name: str
    """A source's name or location, a table of a contract, a policy, an image or an environment."""
    column: str = ""
    model: str = ""
    """The only model whose source is meant; empty for whatever reads the same data."""

    @property
    def is_data(self) -> bool:
        return self.kind in ("column", "source", "contract")


class Derived(Struct, frozen=True):
    """One transform that reads it, and the columns that it makes of it."""

    path: str
    makes: tuple[str, ...]


class ReachedEnvironment(Struct, frozen=True):
    """Where a reached model runs."""

    name: str
    namespace: str
    release: str
    """The version, or the digest of its image, that is released there; empty where none is."""
    host: str
    paths: tuple[str, ...]
    """Where callers from outside reach it."""
    alerts: tuple[str, ...]
    """The alerts that a change of it can let fire."""


class ReachedModel(Struct, frozen=True):
    """One model, and what of it is reached."""

    model: str
    owner: str
    file: str
    """The spec, as people name it."""
    sources: tuple[str, ...] = ()
    """What the spec calls the data."""
    columns: tuple[str, ...] = ()
    """The columns of its contract that are reached."""
    possible_sources: tuple[str, ...] = ()
    """The joined sources of which the compiler cannot know which one holds the column."""
    parts: tuple[str, ...] = ()
    """The other places of the spec that read them, in words."""
    features: tuple[Derived, ...] = ()
    is_trained_on: bool = False
    """Whether other values make another model."""
    gates: tuple[str, ...] = ()
    """The gates that judge that model."""
    requests: tuple[str, ...] = ()
    """The columns that callers send."""
    environments: tuple[ReachedEnvironment, ...] = ()


class CompiledModel(Struct, frozen=True):
    """A compiled model."""

    file: str
    pipeline: Pipeline
    resolved: Resolved
    contracts: Mapping[str, tuple[str, ...]]
    """The columns that it takes from each table of a contract."""
    policies: Mapping[str, tuple[str, ...]]
    """The policies that hold for it, each with the environments where."""


def known_models(compiled: Compilation) -> tuple[CompiledModel, ...]:
    """The models of specs without errors, each with the compiler's record."""
    files, organisation = compiled.files, compiled.organisation
    made = ((each, facts_of(files, each.model)) for each in compiled.specs)
    return tuple(
        CompiledModel(
            each.file,
            each.pipeline,
            facts,
            _contracts(each.pipeline, organisation.shared),
            {held.name: held.environments for held in holding(organisation.policies, each.pipeline)},
        )
        for each, facts in made
        if each.pipeline is not None and facts
    )


def _contracts(pipeline: Pipeline, shared: SharedParts) -> dict[str, tuple[str, ...]]:
    asked = pipeline.data.contracts or {}
    return {
        name: tuple(column for column in shared.table(name) or () if wanted == "all" or column in wanted)
        for name, wanted in asked.items()
    }


def subjects(models: Sequence[CompiledModel]) -> dict[str, Subject]:
    """All that can be asked about, by its names."""
    found: dict[str, Subject] = {}
    for known in models:
        data, images = known.pipeline.data, known.resolved.images
        for name, source in data.sources.items():
            for called, start in ((name, f"data.{name}"), (source.shown, source.shown)):
                found[start] = Subject("source", called)
                found |= {
                    f"{start}.{column}": Subject("column", called, column) for column in data.held(name)
                }
        for table, columns in known.contracts.items():
            start = f"contracts.{table}"
            found[start] = Subject("contract", table)
            found |= {f"{start}.{column}": Subject("contract", table, column) for column in columns}
        found |= {f"policies.{name}": Subject("policy", name) for name in known.policies}
        found |= {image: Subject("image", image) for image in (images.serving_base, images.training_base)}
        found |= {
            f"environments.{name}": Subject("environment", name) for name in known.pipeline.environments
        }
    return found


def downstream(subject: Subject, models: Sequence[CompiledModel], root: Path) -> tuple[ReachedModel, ...]:
    """The models that a change of the subject reaches, by name. Raises DamagedRelease."""
    locations = _locations(subject, models)
    found = (_reached(subject, locations, known, root) for known in models)
    return tuple(sorted((each for each in found if each), key=lambda each: each.model))


def _locations(subject: Subject, models: Sequence[CompiledModel]) -> frozenset[str]:
    """Where the data lies: other models may read the same under another name."""
    return frozenset(
        source.shown
        for known in models
        if subject.model in ("", known.pipeline.path)
        for name, source in known.pipeline.data.sources.items()
        if subject.is_data and subject.name in (name, source.shown)
    )


def _reached(
    subject: Subject, locations: frozenset[str], known: CompiledModel, root: Path
) -> ReachedModel | None:
    if subject.is_data:
        return _reached_by_data(subject, locations, known, root)
    running = known.resolved.environments
    images = known.resolved.images
    if subject.kind == "environment":
        names = [name for name in running if name == subject.name]
    elif subject.kind == "policy":
        names = [*known.policies.get(subject.name, ())]
    else:
        names = [*running] if subject.name in (images.serving_base, images.training_base) else []
    if not names:
        return None
    environments = tuple(_environment(known, name, (), root) for name in names)
    owner = known.pipeline.metadata.owner
    return ReachedModel(known.pipeline.path, owner, known.file, environments=environments)


def _reached_by_data(
    subject: Subject, locations: frozenset[str], known: CompiledModel, root: Path
) -> ReachedModel | None:
    pipeline = known.pipeline
    if subject.kind == "contract":
        shared = known.contracts.get(subject.name, ())
        sources = [name for name in pipeline.data.sources if {*pipeline.data.held(name)} & {*shared}]
        read = frozenset(name for name in shared if subject.column in ("", name))
    else:
        sources = [name for name, source in pipeline.data.sources.items() if source.shown in locations]
        read = _columns(subject, sources, pipeline)
    if not read:
        return None
    columns = tuple(name for name in pipeline.data.columns if name in read)
    derived = tuple(_derived(frozenset(columns), pipeline))
    parts = tuple(_parts(read, sources, pipeline))
    trained = bool(parts or pipeline.inputs.intersection(columns))
    requests = tuple(name for name in columns if name in known.resolved.contract.columns)
    environments = (_environment(known, name, requests, root) for name in pipeline.environments)
    return ReachedModel(
        pipeline.path,
        pipeline.metadata.owner,
        known.file,
        sources=tuple(sources),
        columns=columns,
        possible_sources=_possible(subject, sources, pipeline),
        parts=parts,
        features=derived,
        is_trained_on=trained,
        gates=tuple(map(_gate, pipeline.evaluation.gates)) if trained else (),
        requests=requests,
        environments=tuple(environments),
    )


def _columns(subject: Subject, sources: Sequence[str], pipeline: Pipeline) -> frozenset[str]:
    """What is read of the sources, and the columns of the contract that joins make of it."""
    found: set[str] = set()
    for source in sources:
        wanted = pipeline.data.held(source)
        read = {subject.column} & wanted.keys() if subject.column else wanted.keys()
        found |= read
        for join in pipeline.data.join:
            for name, aggregation in (join.aggregate or {}).items() if join.right == source else ():
                if not subject.column or not read.isdisjoint(aggregation.read):
                    found.add(name)
    return frozenset(found)


def _possible(subject: Subject, sources: Sequence[str], pipeline: Pipeline) -> tuple[str, ...]:
    """The joined sources that may hold what is asked about, where more than one may."""
    data, column = pipeline.data, subject.column
    keys = [name for join in data.join for name in (*join.columns_of_left(), *join.columns_read())]
    asked = {column} if column else {name for source in sources for name in data.held(source)}
    unsure = asked.difference(keys)
    able = tuple(name for name in data.sources if unsure.intersection(data.held(name)))
    return able if len(able) > 1 else ()


def _derived(columns: frozenset[str], pipeline: Pipeline) -> Iterator[Derived]:
    reached = set(columns)
    for step in pipeline.flow.steps:
        if reached.isdisjoint(step.reads):
            continue
        own = [
            name for name in step.writes if name in step.after and (name in reached or name not in step.reads)
        ]
        reached |= set(own)
        yield Derived(f"features[{step.place}].{step.transform.kind}", tuple(own))


def _parts(columns: frozenset[str], sources: Sequence[str], pipeline: Pipeline) -> Iterator[str]:
    """The places that read the columns beside features, in the order of a spec."""
    data, task = pipeline.data, pipeline.task
    for place, join in enumerate(data.join):
        if columns.intersection((*join.on, *join.columns_read())) and {join.left, join.right} & {*sources}:
            yield f"data.join[{place}] joins {join.right} by it"
    for place, step in enumerate(data.clean):
        if columns.intersection(step.columns_read()):
            yield f"data.clean[{place}].{step.kind} decides which rows stay"
    if columns.intersection(data.split.columns_read()):
        yield f"data.split assigns rows by it ({data.split.kind})"
    if task.target in columns:
        yield "it is the target"
    if task.weight in columns:
        yield "it weighs the rows"
    for name in pipeline.evaluation.slices:
        if name in columns:
            yield f"evaluation.slices judges each value of {name}"


def _gate(gate: Gate) -> str:
    """Such as `roc_auc min 0.8 on test`."""
    conditions = gate.model_dump(mode="json", exclude_none=True, include={"min", "max", "overfit", "beats"})
    told = ", ".join(f"{name} {value}" for name, value in conditions.items())
    return f"{gate.metric} {told} on {gate.split}" + (f" in {gate.slice}" if gate.slice else "")


def _environment(known: CompiledModel, name: str, requests: Sequence[str], root: Path) -> ReachedEnvironment:
    here = known.resolved.environments[name]
    release = release_file.read(root, name, known.pipeline.path)
    concerned = {DRIFT, VIOLATIONS} if requests else set[str]()
    alerts = dict.fromkeys(rule.name for rule in here.alerts if not requests or rule.name in concerned)
    return ReachedEnvironment(
        name,
        here.namespace,
        (release.version or release.digest) if release else "",
        here.addresses.host or "",
        here.addresses.paths,
        tuple(alerts),
    )
