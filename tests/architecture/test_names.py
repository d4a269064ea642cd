"""Names that an annotation must spell out are those of the conventions."""

from __future__ import annotations

from typing import get_args

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.evaluation import Gate
from aimass_compiler.spec.model_spec import ModelSpec


def test_a_spec_says_which_language_and_kind_it_is() -> None:
    assert get_args(ModelSpec.model_fields["api_version"].annotation) == (conventions.API_VERSION,)
    assert get_args(ModelSpec.model_fields["kind"].annotation) == (conventions.KIND,)


def test_a_pipeline_says_which_format_it_has() -> None:
    assert get_args(Pipeline.model_fields["format"].annotation) == (conventions.PIPELINE_FORMAT,)


def test_a_gate_judges_any_split() -> None:
    assert get_args(Gate.model_fields["split"].annotation) == conventions.SPLITS
