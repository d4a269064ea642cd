"""The stages of a pipeline: what each one reads of pipeline.json, what it needs and what it leaves."""

from __future__ import annotations

from msgspec import Struct
from msgspec.structs import replace

from aimass_compiler.conventions import SPLITS
from aimass_compiler.stages import artifacts


class Stage(Struct, frozen=True):
    """One step of the pipeline.

    `reads` are the parts of pipeline.json that the stage sees, as dotted keys; nothing else
    reaches it, so that DVC reruns it exactly when one of them changes. `needs` and `leaves` are
    files below the model's artifacts folder.
    """

    name: str
    summary: str
    reads: tuple[str, ...]
    needs: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    plots: tuple[str, ...] = ()


_ROWS = tuple(artifacts.rows(split) for split in SPLITS)
_MATRICES = {split: (artifacts.matrix(split), f"features/{split}_y.npy") for split in SPLITS}

STAGES = (
    Stage(
        "prepare",
        "collect, join, check, clean and split the rows",
        reads=("data", "task"),
        leaves=(*_ROWS, artifacts.ROWS_REPORT),
    ),
    Stage(
        "features",
        "learn the transforms on the training split and apply them to all",
        reads=("data.columns", "task", "features"),
        needs=_ROWS,
        leaves=(
            *(path for split in SPLITS for path in _MATRICES[split]),
            artifacts.FEATURES_GRAPH,
            artifacts.FEATURES,
            artifacts.FEATURES_REFERENCE,
        ),
    ),
    Stage(
        "train",
        "search the ranges and train the model with Ray Tune",
        reads=("task", "model", "objective", "search", "training", "retraining"),
        needs=(*_MATRICES["train"], *_MATRICES["validation"], artifacts.FEATURES),
        leaves=(artifacts.TRAINED_MODEL, artifacts.BEST, artifacts.TRIALS),
        plots=(artifacts.HISTORY, artifacts.IMPORTANCE),
    ),
    Stage(
        "evaluate",
        "measure the model on every split and slice and hold it against its gates",
        reads=("task", "data.columns", "evaluation", "objective"),
        needs=(
            *_ROWS,
            *(path for split in SPLITS for path in _MATRICES[split]),
            artifacts.FEATURES,
            artifacts.FEATURES_GRAPH,
            artifacts.TRAINED_MODEL,
            artifacts.BEST,
        ),
        leaves=(artifacts.PREDICTIONS, artifacts.VERDICT),
        metrics=(artifacts.METRICS,),
        plots=(
            artifacts.CURVE,
            artifacts.CONFUSION,
            artifacts.PRECISION_RECALL,
            artifacts.GAIN,
            artifacts.CALIBRATION,
            artifacts.PERMUTATION_IMPORTANCE,
        ),
    ),
    Stage(
        "package",
        "join transforms and model into one model.onnx with its contract, reference and card",
        reads=(
            "metadata.name",
            "task",
            "data.columns",
            "evaluation.parity",
            "quantize",
            "serving.explanations",
            "serving.engine",
            "serving.adapter_of",
            "monitoring.drift.representation",
        ),
        needs=(
            artifacts.FEATURES_GRAPH,
            artifacts.FEATURES,
            artifacts.FEATURES_REFERENCE,
            artifacts.TRAINED_MODEL,
            artifacts.BEST,
            artifacts.METRICS,
            artifacts.VERDICT,
            artifacts.PREDICTIONS,
            artifacts.rows("test"),
            artifacts.ROWS_REPORT,
        ),
        leaves=(
            artifacts.PACKAGED_MODEL,
            artifacts.SIGNATURE,
            artifacts.REFERENCE,
            artifacts.GOLDEN,
            artifacts.PARITY,
            artifacts.MODEL_CARD,
            artifacts.MANIFEST,
            artifacts.REACHED,
        ),
    ),
    Stage(
        "test",
        "start the real server on the package: right answers, fast answers, no falling over",
        reads=("task", "serving.objectives", "serving.tests", "serving.limits", "serving.access"),
        needs=(
            artifacts.PACKAGED_MODEL,
            artifacts.SIGNATURE,
            artifacts.REFERENCE,
            artifacts.GOLDEN,
            artifacts.rows("test"),
            artifacts.PREDICTIONS,
        ),
        metrics=(artifacts.SERVICE_REPORT,),
    ),
)

#: Between training and evaluation, in pipelines that ask for folds or seeds.
REPEAT = Stage(
    "repeat",
    "train again on folds and with other seeds, to know how far the metrics spread",
    reads=(
        "task",
        "data.columns",
        "data.split",
        "features",
        "model",
        "objective",
        "training",
        "repetition",
    ),
    needs=(
        artifacts.rows("train"),
        artifacts.rows("validation"),
        *(path for split in SPLITS for path in _MATRICES[split]),
        artifacts.FEATURES,
        artifacts.BEST,
    ),
    leaves=(artifacts.REPEATS,),
)


#: Behind the others, in pipelines whose predictions of a whole table are kept in the project.
SCORE = Stage(
    "score",
    "predict every row of the table that is scored",
    reads=("scoring.source", "scoring.into", "scoring.key", "scoring.rejects"),
    needs=(
        artifacts.PACKAGED_MODEL,
        artifacts.SIGNATURE,
        artifacts.REFERENCE,
        artifacts.GOLDEN,
        artifacts.MANIFEST,
    ),
    metrics=(artifacts.SCORES,),
)


def stages_of(*, repeats: bool, scores: bool = False, watches: bool = False) -> tuple[Stage, ...]:
    """The stages of a pipeline in their order.

    It `repeats` where it asks for folds or seeds, `scores` where it keeps predictions of a table, and
    `watches` where the drift of a representation is held against the training rows.
    """
    stages = tuple(map(_watching, STAGES)) if watches else STAGES
    last = (SCORE,) if scores else ()
    if not repeats:
        return (*stages, *last)
    place = next(place for place, stage in enumerate(stages) if stage.name == "evaluate")
    evaluate = stages[place]
    judging = replace(evaluate, needs=(*evaluate.needs, artifacts.REPEATS))
    return (*stages[:place], REPEAT, judging, *stages[place + 1 :], *last)


def _watching(stage: Stage) -> Stage:
    if stage.name != "package":
        return stage
    return replace(stage, needs=(*stage.needs, artifacts.rows("train")))


STAGE_NAMES = tuple(stage.name for stage in STAGES)
#: The stages that a package comes from; the one behind them only asks it.
MAKING_PACKAGES = (*STAGE_NAMES[: STAGE_NAMES.index("package") + 1], REPEAT.name)

#: The test stage for longer, beside the pipeline: what it leaves is nothing that another stage needs.
SOAK = replace(
    STAGES[-1], name="soak", summary="hold the load for longer and watch the server's memory", metrics=()
)

#: A candidate beside what is released: what `aimass retrain` asks once the pipeline ran.
COMPARE = Stage(
    "compare",
    "hold the model against the released one, on the newest rows and slices",
    reads=("task", "data.columns", "evaluation", "objective"),
)

#: What `aimass truth` and a CronJob ask of a model that serves.
PRODUCTION = Stage(
    "production",
    "measure the model in production",
    reads=("task", "data.columns", "evaluation", "objective", "monitoring.labels"),
)

#: What runs beside the pipeline.
ASIDE = (SOAK, COMPARE)
