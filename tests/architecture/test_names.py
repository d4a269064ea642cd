"""A name means one thing, files are named by nouns, and names that two places must agree on are one."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from pathlib import Path
from typing import get_args

from aimass_compiler import conventions
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.evaluation import CROSS_VALIDATION, Gate
from aimass_compiler.spec.decode.model_spec import ModelSpec

PACKAGE = Path(conventions.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
#: What a spec calls so, and the compiler builder's noun for turning one form into the next.
NOUNS = {
    "drop_missing",
    "gradient_boosting",
    "monitoring",
    "onnx_lowering",
    "polars_lowering",
    "retraining",
    "scoring",
    "serving",
    "training",
}
KINDS = re.compile(r"catalog/(cleaning|metrics|models|optimizers|policies|sources|splits|transforms)/")


def test_a_spec_says_which_language_and_kind_it_is() -> None:
    assert get_args(ModelSpec.model_fields["api_version"].annotation) == (conventions.API_VERSION,)
    assert get_args(ModelSpec.model_fields["kind"].annotation) == (conventions.KIND,)


def test_a_pipeline_says_which_format_it_has() -> None:
    assert get_args(Pipeline.model_fields["format"].annotation) == (conventions.PIPELINE_FORMAT,)


def test_a_gate_judges_any_split_and_the_folds() -> None:
    assert get_args(Gate.model_fields["split"].annotation) == (*conventions.SPLITS, CROSS_VALIDATION)


def test_a_file_is_named_by_a_noun() -> None:
    verbal = [str(path.relative_to(PACKAGE)) for path in MODULES if re.search(r"(ing|ed)$", path.stem)]
    assert [name for name in verbal if Path(name).stem not in NOUNS] == []


def test_a_class_name_means_one_thing() -> None:
    """Kinds of the catalog aside, which are named by what a spec calls them: `split: column` is `Column`."""
    homes: dict[str, list[str]] = defaultdict(list)
    for path in MODULES:
        if not KINDS.match(shown := str(path.relative_to(PACKAGE))):
            for node in ast.parse(path.read_text(encoding="utf-8")).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    homes[node.name].append(shown)
    assert {name: files for name, files in homes.items() if len(files) > 1} == {}
