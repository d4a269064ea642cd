"""What a training job runs: every stage, from the data to the package."""

from __future__ import annotations

import math

from aimass_compiler import conventions
from aimass_compiler.render.training.cluster import WORKSPACE, TrainingRun
from aimass_compiler.stages import STAGE_NAMES

_START_SECONDS = 1800
_EXCHANGE = "python -m aimass_compiler.runtime.exchange"
#: The service test holds a server against what its users wait for, so it belongs where it will serve.
_LAST_STAGE = "package"


def from_data_to_package(job: TrainingRun) -> str:
    """Every stage in the workspace volume, which starts without what an earlier stage would have left.

    Where there is a store, rows come from it before, and what was learned goes there before it is judged: who
    submitted the job judges it again.
    """
    stages = STAGE_NAMES[: STAGE_NAMES.index(_LAST_STAGE) + 1]
    model, root, store = job.pipeline.path, f"--root {WORKSPACE}", job.settings.store
    commands = [f"{conventions.RUNTIME_COMMAND} {stage} {model} {root}" for stage in stages]
    if store is not None:
        commands = [f"{_EXCHANGE} stage {model} {store} {stage} {root}" for stage in stages]
        learned = 1 + stages.index("train")
        results = " ".join(f"{conventions.ARTIFACTS_FOLDER}/{model}/{stage}" for stage in stages[:learned])
        commands.insert(learned, f"{_EXCHANGE} send {model} {store} {results} {root}")
        commands.insert(0, f"{_EXCHANGE} receive {model} {store} {root}")
    if job.settings.engine != "local":
        commands.insert(0, f"export {conventions.ENGINE_VARIABLE}={job.settings.engine}")
    return " && ".join(commands)


def deadline(job: TrainingRun) -> dict[str, int]:
    """Trials that run when the search's time is up may go on as long again."""
    time = job.pipeline.search.time
    return {} if time is None else {"activeDeadlineSeconds": math.ceil(2 * time.seconds) + _START_SECONDS}
