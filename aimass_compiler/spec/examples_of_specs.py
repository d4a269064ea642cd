"""Specs that the decoder or the lowering cannot take, beside the nearest that they can."""

from __future__ import annotations

from aimass_compiler.explanations import Example

EXAMPLES = (
    Example("AM100", "serving: {limits: {timeout: 2}}", "serving: {limits: {timeout: 2s}}"),
    Example(
        "AM101",
        "evaluation: {gates: [{min: 0.8}]}",
        "evaluation: {gates: [{metric: roc_auc, min: 0.8}]}",
    ),
    Example("AM102", "metadata: {ownr: growth@example.com}", "metadata: {owner: growth@example.com}"),
    Example("AM103", 'training: {seed: "7"}', "training: {seed: 7}"),
    Example("AM104", "model: {xgboost: {subsample: 1.5}}", "model: {xgboost: {subsample: 0.5}}"),
    Example("AM105", "kind: model", "kind: Model"),
    Example("AM106", "model: xgbost", "model: xgboost"),
    Example(
        "AM107",
        "model: {xgboost: {max_depth: {choice: []}}}",
        "model: {xgboost: {max_depth: {choice: [4, 6]}}}\nsearch: {trials: 2}",
    ),
    Example("AM108", "metadata: {name: Churn EU}", "metadata: {name: churn}"),
    Example("AM201", "target: churn", "target: churned"),
    Example(
        "AM202",
        "data: {columns: {churned: {type: category, values: null}}}",
        'data: {columns: {churned: {type: category, values: ["no", "yes"]}}}',
    ),
    Example("AM203", "target: customer_id", "target: churned"),
    Example(
        "AM204",
        'data: {columns: {churned: {type: category, values: ["no"]}}}',
        'data: {columns: {churned: {type: category, values: ["no", "yes"]}}}',
    ),
    Example("AM205", "metadata: {name: churn-eu} # in specs/churn.yaml", "metadata: {name: churn}"),
    Example(
        "AM206",
        "features: [{standardize: {type: text}}, one_hot: plan]",
        "features: [{standardize: {type: number}}, one_hot: plan]",
    ),
    Example(
        "AM207",
        "environments: {production: {serving: {replicas: {max: 20}}}}",
        "environments: {prod: {serving: {replicas: {max: 20}}}}",
    ),
    Example(
        "AM208",
        "`specs/churn.yaml` was copied to `specs/churn.yml`.",
        "One of the two was deleted.",
        "situation",
    ),
    Example(
        "AM023",
        "A spec is in `specs/risk/churn.yaml`.",
        "It is in `specs/churn.yaml`.",
        "situation",
    ),
    Example("AM209", "The settings stand in `aimass.yml`.", "They stand in `aimass.yaml`.", "situation"),
)
