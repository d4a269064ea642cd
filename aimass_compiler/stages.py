"""The stages of a pipeline: what each one reads of pipeline.json, what it needs and what it leaves."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Stage:
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


_SPLITS = ("train", "validation", "test")
_ROWS = tuple(f"prepare/{split}.parquet" for split in _SPLITS)
_MATRICES = {split: (f"features/{split}_x.npy", f"features/{split}_y.npy") for split in _SPLITS}

STAGES = (
    Stage(
        "prepare",
        "collect, join, check, clean and split the rows",
        reads=("data", "task"),
        leaves=(*_ROWS, "prepare/report.json"),
    ),
    Stage(
        "features",
        "learn the transforms on the training split and apply them to all",
        reads=("data.columns", "task", "features"),
        needs=_ROWS,
        leaves=(
            *(path for split in _SPLITS for path in _MATRICES[split]),
            "features/features.onnx",
            "features/features.json",
            "features/reference.json",
        ),
    ),
    Stage(
        "train",
        "search the ranges and train the model with Ray Tune",
        reads=("task", "model", "objective", "search", "training", "retraining"),
        needs=(*_MATRICES["train"], *_MATRICES["validation"], "features/features.json"),
        leaves=("train/model.onnx", "train/best.json", "train/trials.json"),
        plots=("train/history.csv", "train/importance.csv"),
    ),
    Stage(
        "evaluate",
        "measure the model on every split and slice and hold it against its gates",
        reads=("task", "data.columns", "evaluation", "objective"),
        needs=(
            *_ROWS,
            *(path for split in _SPLITS for path in _MATRICES[split]),
            "features/features.json",
            "train/model.onnx",
            "train/best.json",
        ),
        leaves=("evaluate/predictions.parquet", "evaluate/verdict.json"),
        metrics=("evaluate/metrics.json",),
        plots=("evaluate/curve.csv", "evaluate/confusion.csv"),
    ),
    Stage(
        "package",
        "join transforms and model into one model.onnx with its contract, reference and card",
        reads=("metadata", "task", "data.columns"),
        needs=(
            "features/features.onnx",
            "features/features.json",
            "features/reference.json",
            "train/model.onnx",
            "train/best.json",
            "evaluate/metrics.json",
            "evaluate/verdict.json",
            "evaluate/predictions.parquet",
            "prepare/test.parquet",
        ),
        leaves=(
            "package/model/model.onnx",
            "package/model/signature.json",
            "package/model/reference.json",
            "package/model/model_card.md",
            "package/metrics.json",
        ),
    ),
    Stage(
        "test",
        "start the real server on the package: right answers, fast answers, no falling over",
        reads=("task", "serving.objectives", "serving.tests", "serving.limits"),
        needs=(
            "package/model/model.onnx",
            "package/model/signature.json",
            "package/model/reference.json",
            "prepare/test.parquet",
            "evaluate/predictions.parquet",
        ),
        metrics=("test/report.json",),
    ),
)

#: The test stage for longer, beside the pipeline: what it leaves is nothing that another stage needs.
SOAK = replace(
    STAGES[-1], name="soak", summary="hold the load for longer and watch the server's memory", metrics=()
)
