"""The files that stages leave for one another and for people, below the model's artifacts folder."""

from __future__ import annotations

from aimass_compiler import conventions

#: The name that stands for the files of the model's artifact, which each artifact has of its own.
ARTIFACT = "{artifact}"


def rows(split: str) -> str:
    """The cleaned rows of a split."""
    return f"prepare/{split}.parquet"


def matrix(split: str) -> str:
    """The features of a split, as models read them."""
    return f"features/{split}_x.npy"


ROWS_REPORT = "prepare/report.json"
FEATURES = "features/features.json"
FEATURES_GRAPH = "features/features.onnx"
FEATURES_REFERENCE = "features/reference.json"
TRAINED_MODEL = f"train/{ARTIFACT}"
BEST = "train/best.json"
TRIALS = "train/trials.json"
HISTORY = "train/history.csv"
IMPORTANCE = "train/importance.csv"
REPEATS = "repeat/repeats.json"
METRICS = "evaluate/metrics.json"
VERDICT = "evaluate/verdict.json"
PREDICTIONS = "evaluate/predictions.parquet"
CURVE = "evaluate/curve.csv"
CONFUSION = "evaluate/confusion.csv"
PRECISION_RECALL = "evaluate/precision_recall.csv"
GAIN = "evaluate/gain.csv"
CALIBRATION = "evaluate/calibration.csv"
PERMUTATION_IMPORTANCE = "evaluate/importance.csv"
PACKAGE = "package/model"
PACKAGED_MODEL = f"{PACKAGE}/{ARTIFACT}"
SIGNATURE = f"{PACKAGE}/{conventions.SIGNATURE_FILE}"
REFERENCE = f"{PACKAGE}/{conventions.REFERENCE_FILE}"
GOLDEN = f"{PACKAGE}/{conventions.GOLDEN_FILE}"
MANIFEST = f"{PACKAGE}/{conventions.MANIFEST_FILE}"
PARITY = f"{PACKAGE}/{conventions.PARITY_FILE}"
MODEL_CARD = f"{PACKAGE}/{conventions.MODEL_CARD_FILE}"
#: Beside what DVC knows: how the rows differ from those of the run before, and what they look like.
ROW_CHANGES = "changes.json"
PROFILE = "profile.json"
#: All of it, for people.
REPORT = "report.html"
#: What the packaged model reached, which the record of its version has.
REACHED = f"package/{conventions.METRICS_FILE}"
SERVICE_REPORT = "test/report.json"
#: Beside what DVC knows: a candidate against the released model, and all that is known of it.
COMPARISON = "compare/report.json"
CANDIDATE = "candidate.json"
#: The candidate on requests that were really asked.
SHADOW = "compare/requests.json"
#: What `aimass truth` found: of rows that were predicted and whose truth came later.
PRODUCTION = "production.json"
SCORES = "score/report.json"
#: Beside the report that DVC knows: the same after a longer load.
SOAK_REPORT = "test/soak.json"
