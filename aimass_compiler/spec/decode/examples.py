"""The codes of decoding, and specs that the decoder refuses beside the nearest that it takes."""

from __future__ import annotations

from aimass_compiler.diagnostics import Example, Explanation

EXPLANATIONS = (
    Explanation(
        "AM100", "a value does not fit", "The value is not what this key holds; the message says what is."
    ),
    Explanation(
        "AM101",
        "a required key is missing",
        "The key has no default that could be right for everyone, so it must be written.",
    ),
    Explanation(
        "AM102",
        "there is no such key",
        "The language has no key of this name at this place. Keys are never ignored: a misspelt one would "
        "silently mean its default.",
    ),
    Explanation(
        "AM103",
        "a value has the wrong type",
        'Numbers, flags and strings are never guessed from one another: `"5"` is not 5 and `"yes"` is not '
        "true.",
    ),
    Explanation("AM104", "a number is out of range", "The value is outside of what the key allows."),
    Explanation(
        "AM105",
        "not one of the values that are allowed",
        "The key takes one of a few words; the message lists them.",
    ),
    Explanation(
        "AM106",
        "there is no such kind",
        "Sources, cleaning steps, splits, transforms, models, metrics, optimizers, schedules and "
        "augmentations are chosen by name; `aimass explain` lists them.",
    ),
    Explanation("AM107", "a list has the wrong length", "The key needs fewer or more items."),
    Explanation(
        "AM108",
        "a name is not spelt as names are",
        "The name becomes part of folders, DNS names and Kubernetes objects, which allow few characters.",
    ),
)

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
    Example(
        "AM296",
        "task: anomaly\nmodel: isolation_forest\nfeatures: [one_hot: [plan, churned]]",
        "model: isolation_forest\nfeatures: [one_hot: plan]",
    ),
    Example("AM201", "target: churn", "target: churned"),
    Example(
        "AM202",
        "data: {columns: {churned: {type: category, values: null}}}",
        'data: {columns: {churned: {type: category, values: ["no", "yes"]}}}',
    ),
    Example(
        "AM366",
        "target: [churned, tenure]\nfeatures: [standardize: charges, one_hot: plan]",
        'data: {columns: {refunded: {type: category, values: ["no", "yes"]}}}\ntarget: [churned, refunded]',
    ),
    Example("AM203", "target: customer_id", "target: churned"),
    Example(
        "AM204",
        'data: {columns: {churned: {type: category, values: ["no"]}}}',
        'data: {columns: {churned: {type: category, values: ["no", "yes"]}}}',
    ),
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
    Example("AM209", "The settings stand in `aimass.yml`.", "They stand in `aimass.yaml`.", "situation"),
)
