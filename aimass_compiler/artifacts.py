"""The files that stages leave for one another and for people, below the model's artifacts folder."""

from __future__ import annotations

from aimass_compiler import conventions


def rows(split: str) -> str:
    """The cleaned rows of a split."""
    return f"prepare/{split}.parquet"


ROWS_REPORT = "prepare/report.json"
FEATURES = "features/features.json"
FEATURES_GRAPH = "features/features.onnx"
FEATURES_REFERENCE = "features/reference.json"
TRAINED_MODEL = "train/model.onnx"
BEST = "train/best.json"
TRIALS = "train/trials.json"
HISTORY = "train/history.csv"
IMPORTANCE = "train/importance.csv"
METRICS = "evaluate/metrics.json"
VERDICT = "evaluate/verdict.json"
PREDICTIONS = "evaluate/predictions.parquet"
CURVE = "evaluate/curve.csv"
CONFUSION = "evaluate/confusion.csv"
#: What an image needs beside the package is put together here.
CONTEXT = "package"
PACKAGE = f"{CONTEXT}/model"
PACKAGED_MODEL = f"{PACKAGE}/{conventions.MODEL_FILE}"
SIGNATURE = f"{PACKAGE}/{conventions.SIGNATURE_FILE}"
REFERENCE = f"{PACKAGE}/{conventions.REFERENCE_FILE}"
GOLDEN = f"{PACKAGE}/{conventions.GOLDEN_FILE}"
MANIFEST = f"{PACKAGE}/{conventions.MANIFEST_FILE}"
MODEL_CARD = f"{PACKAGE}/{conventions.MODEL_CARD_FILE}"
#: What the packaged model reached; on record as it is once released.
REACHED = f"{CONTEXT}/{conventions.METRICS_FILE}"
SERVICE_REPORT = "test/report.json"
#: Beside the report that DVC knows: the same after a longer load.
SOAK_REPORT = "test/soak.json"
