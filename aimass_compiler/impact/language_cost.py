"""What fine-tuning and serving a language model takes of accelerators: hours and money, estimated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from aimass_compiler import conventions
from aimass_compiler.catalog.base_config import read_base
from aimass_compiler.impact.models import mapping, number
from aimass_compiler.stages import artifacts

if TYPE_CHECKING:
    from aimass_compiler.render.facts import Devices, FineTuning

#: A multiplication and an addition forward, and twice as much backward, where adapters save up to a third.
#: Source: Kaplan et al. (2020), section 2.1, https://arxiv.org/abs/2001.08361
OPERATIONS = 6
#: How much of an accelerator's peak training reaches in practice.
UTILIZATION = 0.35
#: Bytes of text in a token, where the rows were not tokenized yet.
_BYTES_A_TOKEN = 4
_TERA = 10**12
_HOUR = 3600
#: features.json is a few kilobytes.
_LARGEST_RECORD = 2**20


class AcceleratorCost(Struct, frozen=True, omit_defaults=True):
    """Hours of accelerators, at least and at most, and what they cost where an hour has a price."""

    name: str
    least: float
    most: float
    hourly: float | None = None

    def money(self, hours: float) -> float:
        return hours * (self.hourly or 0.0)


class TuningCost(Struct, frozen=True, omit_defaults=True):
    """What training all epochs takes, if the accelerators reach a usual share of their peak."""

    tokens: int
    """Of all training rows, once."""
    is_counted: bool
    """Whether the features stage counted them; else they are estimated from the size of the rows' files."""
    epochs: int
    parameters: int
    teraflops: float
    """Of all accelerators at their peak."""
    rented: AcceleratorCost

    @property
    def operations(self) -> float:
        return float(OPERATIONS * self.tokens * self.epochs * self.parameters)


def tuning_cost(facts: FineTuning, model: str, root: Path) -> TuningCost | None:
    """None where something that it follows from is not known; `root` is the project's folder."""
    parameters = facts.parameters or _parameters(facts, root)
    counted = _counted_tokens(model, root)
    tokens = counted or _size(facts, root) // _BYTES_A_TOKEN
    if facts.devices is None or facts.teraflops is None or not parameters or not tokens:
        return None
    seconds = OPERATIONS * tokens * facts.epochs * parameters / (facts.teraflops * _TERA * UTILIZATION)
    hours = seconds * facts.devices.count / _HOUR
    rented = AcceleratorCost(facts.devices.name, hours, hours, facts.devices.hourly)
    return TuningCost(tokens, counted is not None, facts.epochs, parameters, facts.teraflops, rented)


def month_of(devices: Devices | None, least: int, most: int, hours: float) -> AcceleratorCost | None:
    """What the servers of an environment have in so many hours."""
    if devices is None:
        return None
    each = devices.count * hours
    return AcceleratorCost(devices.name, least * each, most * each, devices.hourly)


def _parameters(facts: FineTuning, root: Path) -> int | None:
    base = read_base(root / facts.folder) if facts.folder else None
    return base.architecture.parameters if base and base.architecture else None


def _counted_tokens(model: str, root: Path) -> int | None:
    """What the last run of the features stage counted."""
    path = root / conventions.ARTIFACTS_FOLDER / model / artifacts.FEATURES
    try:
        if path.stat().st_size > _LARGEST_RECORD:
            return None
        document = msgspec.json.decode(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    found = number(mapping(mapping(mapping(document).get("counts")).get("train")).get("tokens"))
    return None if found is None else int(found)


def _size(facts: FineTuning, root: Path) -> int:
    """Bytes of the rows' files; those that are not there, or elsewhere, are none."""
    paths = [root / source for source in facts.sources]
    return sum(path.stat().st_size for path in paths if path.is_file())
