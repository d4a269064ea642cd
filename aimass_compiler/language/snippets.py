"""What editors propose for a spec and its parts: examples, and snippets with places to fill in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aimass_compiler import conventions

#: By the path of a key; the tests hold each to the schema.
KEY_EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "metadata.name": ("churn",),
    "metadata.owner": ("growth@example.com",),
    "data.sources": (
        {"customers": "data/customers.csv"},
        {"usage": {"parquet": "s3://lake/usage/*.parquet"}},
    ),
    "data.columns": (
        {"customer_id": "id", "age": {"type": "number", "min": 0}, "plan": "category", "note": "text"},
    ),
    "target": ("churned",),
    "features": ([{"impute": "charges"}, {"standardize": ["tenure", "charges"]}, {"one_hot": "plan"}],),
    "model": ("xgboost", {"xgboost": {"max_depth": {"choice": [4, 6, 8]}}}),
    "search": ({"trials": 20, "time": "30m"},),
    "evaluation": ({"gates": [{"metric": "roc_auc", "min": 0.8}]},),
    "environments": ({"prod": {"serving": {"replicas": {"min": 3, "max": 20}}}},),
}
#: The whole spec at the top; further down what is tedious to type.
SNIPPETS: Mapping[str, tuple[Mapping[str, Any], ...]] = {
    "": (
        {
            "label": "a model",
            "description": "The smallest spec that works, and its features and model.",
            "body": {
                "apiVersion": conventions.API_VERSION,
                "kind": conventions.KIND,
                "metadata": {"name": "${1:churn}"},
                "data": {
                    "sources": {"${2:customers}": "${3:data/customers.csv}"},
                    "columns": {
                        "${4:age}": "${5:number}",
                        "${6:churned}": {"type": "category", "values": ["${7:a}", "${8:b}"]},
                    },
                },
                "target": "${6:churned}",
            },
        },
    ),
    "model": (
        {
            "label": "a model to search",
            "description": "XGBoost with two ranges; any parameter may be one.",
            "body": {
                "xgboost": {"max_depth": {"choice": [4, 6, 8]}, "learning_rate": {"loguniform": [0.01, 0.3]}}
            },
        },
    ),
    "evaluation": (
        {
            "label": "gates",
            "description": "A floor, a limit of overfitting, and no worse than what serves.",
            "body": {
                "gates": [
                    {"metric": "${1:roc_auc}", "min": "${2:0.8}"},
                    {"metric": "${1:roc_auc}", "overfit": "${3:0.05}"},
                    {"metric": "${1:roc_auc}", "beats": "released"},
                ]
            },
        },
    ),
}
#: Of accepts/MODEL.yaml.
BREAK_SNIPPETS: tuple[Mapping[str, Any], ...] = (
    {
        "label": "a break",
        "description": "A change of the contract that callers agreed to, as `aimass promote` prints it.",
        "body": [{"break": "${1:input-removed:tenure}", "reason": "${2:why callers can live with it}"}],
    },
)
