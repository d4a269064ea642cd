"""A language model is asked with texts, computes no features and is trained with what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aimass_compiler.checks._example import Example
from aimass_compiler.checks._places import declared_target
from aimass_compiler.diagnostics import Explanation, Finding, Fix, Remove, Severity, did_you_mean
from aimass_compiler.pipeline.columns import ChatColumn, TextColumn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aimass_compiler.catalog.conversation import Conversation
    from aimass_compiler.pipeline import Pipeline

NEEDS = ("data", "target", "features", "model", "objective", "training", "evaluation")
IS_OF_ALL_MODELS = True
EXPLANATIONS = (
    Explanation(
        "AM401",
        "a language model computes no features",
        "It reads the texts as they are, in the chat template of its base, so a transform before it would "
        "change nothing.",
    ),
    Explanation(
        "AM402",
        "the columns make no conversation",
        "A language model is asked with all columns of type `text` but the target, or with one of type "
        "`chat`, whose last turn is the answer where it is the target. With `preference`, `rejected` is a "
        "text beside the target.",
    ),
    Explanation(
        "AM403",
        "a language model cannot be chosen beside others",
        "The models of `one_of` learn from the same features, and a language model has none. Search over "
        "its own parameters with ranges, such as `rank: {choice: [8, 16]}`.",
    ),
    Explanation(
        "AM404",
        "a column is not read by the language model",
        "Only texts and chats are part of what a language model is asked with; a number or a category is, "
        "once it is declared as `text`.",
    ),
    Explanation(
        "AM406",
        "the training key is for language models",
        "`gradient_accumulation` and `precision` say how a language model is fine-tuned; other models have "
        "no use for them.",
    ),
    Explanation(
        "AM407",
        "a language model is not measured by this while it learns",
        "Trials are compared by the perplexity of the right answers, which costs no more than a loss. "
        "Metrics of written answers, such as `exact_match`, are measured once, by the stage `evaluate`; "
        "gates hold them.",
    ),
    Explanation(
        "AM408",
        "this cannot be done with a language model",
        "Folds and seeds would train it many times over, probabilities of texts are not calibrated, a "
        "server writes the likeliest class token by token, so that no threshold can decide otherwise, and "
        "overfitting is fought by its own parameters: less `rank`, more `dropout`, fewer `epochs`.",
    ),
)
_BASE = (
    "{hub: acme/small, revision: 0123456789abcdef0123456789abcdef01234567, "
    "architecture: {parameters: 1000000, layers: 4, heads: 4, hidden: 128}}"
)
EXAMPLES = (
    Example("AM401", fails="features: [hash_text: prompt]", passes="features: []", of="language"),
    Example(
        "AM402",
        fails="data: {columns: {prompt: id}}",
        passes="data: {columns: {prompt: text}}",
        of="language",
    ),
    Example(
        "AM403",
        fails=f"model: {{one_of: [logistic_regression, {{language_model: {{base: {_BASE}}}}}]}}",
        passes="model: {one_of: [logistic_regression, naive_bayes]}",
    ),
    Example(
        "AM404",
        fails="data: {columns: {plan: category}}",
        passes="data: {columns: {plan: text}}",
        of="language",
    ),
    Example(
        "AM406",
        fails="model: mlp\ntraining: {gradient_accumulation: 2}",
        passes="model: mlp\ntraining: {epochs: 30}",
    ),
    Example(
        "AM407",
        fails="objective: {metric: exact_match}",
        passes="objective: {metric: perplexity}",
        of="language",
    ),
    Example(
        "AM408",
        fails="evaluation: {seeds: 3}",
        passes="evaluation: {metrics: [perplexity]}",
        of="language",
    ),
    Example(
        "AM408",
        fails='data: {columns: {answer: {type: category, values: ["no", "yes"]}}}\npositive: "yes"\n'
        "evaluation: {metrics: [accuracy], gates: [], decision: {threshold: 0.2}}",
        passes='data: {columns: {answer: {type: category, values: ["no", "yes"]}}}\npositive: "yes"\n'
        "evaluation: {metrics: [accuracy], gates: []}",
        of="language",
    ),
)
_OF_CONVERSATIONS = ("gradient_accumulation", "precision")


def findings(pipeline: Pipeline) -> Iterator[Finding]:
    """What a language model cannot do with these columns, features and settings."""
    how = pipeline.task.conversation
    several = [each.kind for each in pipeline.model.candidates if each.conversation(()) is not None]
    if several and len(pipeline.model.candidates) > 1:
        hint = "write it as the only model, with ranges for what is to be searched"
        yield Finding(
            "AM403", ("model",), f"`{several[0]}` learns from no features, unlike others", help=hint
        )
        return
    if how is None:
        yield from _keys(pipeline)
        return
    yield from _columns(pipeline, how)
    yield from _undone(pipeline)
    for place, transform in enumerate(pipeline.features):
        path = ("features", place, transform.kind)
        message = f"`{transform.kind}` computes a feature, and `{pipeline.first_model.kind}` reads none"
        fix = Fix("remove it", (Remove(path[:2]),))
        yield Finding("AM401", path, message, help="leave `features` out", fix=fix)


def _columns(pipeline: Pipeline, how: Conversation) -> Iterator[Finding]:
    columns, target = pipeline.data.columns, pipeline.task.target
    is_chat_answered = isinstance(columns.get(target), ChatColumn)
    chats = [name for name in how.columns if isinstance(columns[name], ChatColumn)]
    kind = pipeline.first_model.kind
    if is_chat_answered and how.columns:
        message = f"`{target}` holds whole conversations, so `{how.columns[0]}` is asked with by nothing"
        hint = f"leave `{how.columns[0]}` out of `columns`, or make it a turn of `{target}`"
        yield Finding("AM402", ("data", "columns", how.columns[0]), message, help=hint, at_key=True)
    elif chats and len(how.columns) > 1:
        other = next(name for name in how.columns if name != chats[0])
        message = f"`{chats[0]}` is a whole conversation, and `{other}` is asked with beside it"
        hint = f"leave one out of `columns`, or make `{other}` a turn of `{chats[0]}`"
        yield Finding("AM402", ("data", "columns", other), message, help=hint, at_key=True)
    elif not how.columns and not is_chat_answered:
        message = f"`{kind}` is asked with texts, but there is none beside the target `{target}`"
        yield Finding(
            "AM402",
            ("model",),
            message,
            help="declare a column as `text` or `chat`",
            related=declared_target(pipeline),
        )
    if how.rejected is not None and not isinstance(columns.get(how.rejected), TextColumn):
        texts = [name for name, column in columns.items() if isinstance(column, TextColumn)]
        path = ("model", kind, "preference", "rejected")
        message = f"there is no column `{how.rejected}` of type text"
        yield Finding("AM402", path, message, help=did_you_mean(how.rejected, texts))
    yield from _unread(pipeline, how)


def _unread(pipeline: Pipeline, how: Conversation) -> Iterator[Finding]:
    """Columns that transforms could make features of, which nothing else reads either."""
    data, evaluation = pipeline.data, pipeline.evaluation
    used = {
        *data.split.columns_read(),
        *evaluation.slices,
        *pipeline.task.columns,
        *how.columns,
        how.rejected,
    }
    used |= {name for gate in evaluation.gates for name in gate.slice or ()}
    used |= {name for step in data.clean for name in step.columns_read()}
    used |= {name for join in data.join for name in join.columns_of_left()}
    for name, column in data.columns.items():
        if name in used or not column.may_be_feature:
            continue
        message = f"`{name}` is {column.column_type}, so `{pipeline.first_model.kind}` is not asked with it"
        hint = f"declare it as a text (`{name}: text`), or leave it out of `columns`"
        path = ("data", "columns", name)
        yield Finding("AM404", path, message, help=hint, severity=Severity.WARNING, at_key=True)


def _keys(pipeline: Pipeline) -> Iterator[Finding]:
    for key in _OF_CONVERSATIONS:
        if getattr(pipeline.training, key) is not None:
            path = ("training", key)
            message = f"`{key}` changes nothing: `{pipeline.first_model.kind}` is no language model"
            fix = Fix(f"leave `{key}` out", (Remove(path),))
            severity = Severity.WARNING
            yield Finding("AM406", path, message, help=fix.message, severity=severity, at_key=True, fix=fix)


def _undone(pipeline: Pipeline) -> Iterator[Finding]:
    """What is asked of training and evaluation that is not done with language models."""
    task, training, evaluation = pipeline.task, pipeline.training, pipeline.evaluation
    if not task.is_classification and pipeline.objective.metric != task.usual_objective:
        message = f"trials are compared by `{task.usual_objective}`, not by `{pipeline.objective.metric}`"
        hint = f"hold `{pipeline.objective.metric}` by a gate of `evaluation`"
        yield Finding("AM407", ("objective", "metric"), message, help=hint)
    asked = {
        ("training", "calibration"): training.calibration is not None,
        ("training", "sampling"): training.sampling is not None and not task.is_classification,
        ("training", "class_weights"): training.class_weights is not None and not task.is_classification,
        ("evaluation", "decision"): evaluation.decision is not None,
        ("evaluation", "cross_validation"): evaluation.cross_validation is not None,
        ("evaluation", "seeds"): evaluation.seeds is not None,
        ("evaluation", "on_failure", "retrain"): bool(evaluation.on_failure.retrain),
    }
    for path in (path for path, is_asked in asked.items() if is_asked):
        message = f"`{path[-1]}` cannot be done with `{pipeline.first_model.kind}`"
        fix = Fix(f"leave `{path[-1]}` out", (Remove(path),))
        yield Finding("AM408", path, message, help=fix.message, at_key=True, fix=fix)
