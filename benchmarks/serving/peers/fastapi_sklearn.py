"""What most tutorials show: FastAPI, a pydantic model of the row, and scikit-learn."""

# What it imports is in the environment of the peers only.
# mypy: ignore-errors

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy
import uvicorn
from fastapi import FastAPI
from pydantic import Field, create_model
from sklearn.linear_model import LogisticRegression

_WEIGHTS = numpy.load(Path(sys.argv[1]).parent / "weights.npy")
_FIELDS: dict[str, Any] = {
    f"feature_{index:02}": (float, Field(ge=-100, le=100)) for index in range(len(_WEIGHTS))
}
Row = create_model("Row", **_FIELDS)
_MODEL = LogisticRegression()
_MODEL.coef_, _MODEL.intercept_ = _WEIGHTS[None].astype(float), numpy.zeros(1)
_MODEL.classes_ = numpy.array(["no", "yes"])

application = FastAPI()


@application.post("/predict")
async def predict(row: Row) -> dict[str, Any]:
    """Answer one row with its label and probabilities."""
    values = numpy.array([list(row.model_dump().values())])
    probabilities = _MODEL.predict_proba(values)[0]
    label = _MODEL.classes_[probabilities.argmax()]
    return {"label": str(label), "probabilities": probabilities.tolist()}


# FastAPI would look for `Row` by its name in a string.
predict.__annotations__["row"] = Row

if __name__ == "__main__":
    uvicorn.run(
        application,
        host="127.0.0.1",
        port=int(sys.argv[2]),
        loop="uvloop",
        http="httptools",
        access_log=False,
    )
