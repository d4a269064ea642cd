"""The alerts of a training job: it stalls, it failed, it is gone, or its memory is nearly full."""

from __future__ import annotations

from collections.abc import Iterator

from aimass_compiler import training_names as names
from aimass_compiler.render.monitoring.alerts import Alert

STALLED, FAILED = "ModelTrainingStalled", "ModelTrainingFailed"
GONE, MEMORY = "ModelTrainingGone", "ModelTrainingMemory"
#: The share of its memory beyond which the kernel may end a process any moment.
_FULL = 0.9
_MODEL = "namespace, model"
#: How long it is told how a run ended.
_TOLD = "1h"


def training_alerts(model: str, where: str, chosen: str) -> Iterator[Alert]:
    """Every alert on the series that a selector of PromQL chooses, for a model and where it trains."""
    yield Alert(
        STALLED,
        "ticket",
        f"time() - max by ({_MODEL}) ({names.PROGRESSED}{chosen})\n"
        f"> max by ({_MODEL}) ({names.PATIENCE}{chosen})\n",
        "5m",
        f"the training of {model} does not go on",
        f"The training job of {model} in {where} has ended no trial and no step for three times "
        "as long as ever before, and for half an hour at least: look at its log, and at whether its workers "
        "have their nodes.",
    )
    yield Alert(
        FAILED,
        "ticket",
        f"{_ended(chosen, 'outcome', 'outcome!=' + chr(34) + names.WENT_WELL + chr(34))}\n"
        f">= on ({_MODEL}) group_left () {_began(chosen)}\n",
        "5m",
        f"the training of {model} failed",
        f"The training job of {model} in {where} ended with `{{{{ $labels.outcome }}}}`, and was not tried "
        "again: its log says why, and so does `aimass train`.",
    )
    yield Alert(
        GONE,
        "ticket",
        f"{_began(chosen)}\n"
        f"unless on ({_MODEL}) ({_ended(chosen)} >= {_began(chosen)})\n"
        f"unless on ({_MODEL}) max by ({_MODEL}) ({names.BEGAN}{chosen})\n",
        "10m",
        f"the training of {model} is gone",
        f"The training job of {model} in {where} has not answered for ten minutes, and did not say how it "
        "ended: it ran out of memory, lost its node, was suspended by its queue, or was deleted.",
    )
    yield Alert(
        MEMORY,
        "ticket",
        f"{_share(names.MEMORY, names.MEMORY_LIMIT, chosen)} > {_FULL}\n"
        f"or {_share(names.RAY_MEMORY, names.RAY_MEMORY_LIMIT, chosen)} > {_FULL}\n",
        "5m",
        f"the training of {model} needs nearly all of its memory",
        f"The pod {{{{ $labels.pod }}}} that trains {model} in {where} uses more than {_FULL:.0%} of its "
        "memory; beyond its limit it is ended. Raise `training.resources.memory`.",
    )


def _began(chosen: str) -> str:
    return f"max by ({_MODEL}) (last_over_time({names.BEGAN}{chosen}[{_TOLD}]))"


def _ended(chosen: str, label: str = "", condition: str = "") -> str:
    by = f"{_MODEL}, {label}" if label else _MODEL
    narrowed = f"{chosen[:-1]},{condition}}}" if condition else chosen
    return f"max by ({by}) (last_over_time({names.ENDED}{narrowed}[{_TOLD}]))"


def _share(used: str, limit: str, chosen: str) -> str:
    return f"max by ({_MODEL}, pod) ({used}{chosen} / {limit}{chosen})"
