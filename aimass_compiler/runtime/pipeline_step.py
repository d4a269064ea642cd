"""`python -m aimass_compiler.runtime.pipeline_step`: one stage as a step of a Kubeflow pipeline.

What it reads comes from the object store, what it leaves goes there, and the name of that is told to the next
steps. The recipe is the one that was stored; where it is not that of the pipeline, the step fails.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.programs.object_store import Store
from aimass_compiler.runtime.__main__ import main as run_stage
from aimass_compiler.runtime.failure import StageFailure, exit_code
from aimass_compiler.stages import REPEAT, STAGES, Stage
from aimass_compiler.stages.recipe import recipe_digest

#: What `aimass train` fetches is stored before it is judged: a missed gate takes nothing away.
_FETCHED = ("prepare", "features", "train")
_JUDGES = "evaluate"


def main(arguments: Sequence[str] | None = None) -> int:
    """Bring what the stage reads, run it, and store what it left; answers an exit code."""
    parsed = _parser().parse_args(arguments)
    stage = next(each for each in (*STAGES, REPEAT) if each.name == parsed.stage)
    _read_secrets(parsed.secrets)
    return exit_code(stage.name, lambda: _step(stage, parsed), hinted=ExitCode.DATA)


def _step(stage: Stage, parsed: argparse.Namespace) -> int:
    store = Store(parsed.store)
    _receive(store, stage, parsed)
    own = f"{conventions.ARTIFACTS_FOLDER}/{parsed.model}"
    if stage.name == _JUDGES:
        store.send(parsed.model, "results", parsed.root, [f"{own}/{name}" for name in _FETCHED])
    code = run_stage([stage.name, parsed.model, f"--root={parsed.root}"])
    if code != ExitCode.DONE:
        return code
    left = store.keep(parsed.model, stage.name, parsed.root, [f"{own}/{stage.name}"])
    parsed.left.parent.mkdir(parents=True, exist_ok=True)
    parsed.left.write_text(left, encoding="utf-8")
    print(f"{stage.name} left {left}", flush=True)
    return ExitCode.DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m aimass_compiler.runtime.pipeline_step", description=__doc__
    )
    parser.add_argument("stage", choices=[each.name for each in (*STAGES, REPEAT)])
    parser.add_argument("model")
    parser.add_argument("--store", required=True, help="the URL of the object store")
    parser.add_argument("--root", type=Path, required=True, help="an empty folder to work in")
    parser.add_argument("--secrets", type=Path, required=True, help="a folder with a folder for each Secret")
    parser.add_argument("--recipe", required=True, help="the name of what the stage reads of pipeline.json")
    parser.add_argument("--needs", action="append", default=[], help="what an earlier step left")
    parser.add_argument(
        "--left", type=Path, required=True, help="a file for the name of what this one leaves"
    )
    return parser


def _read_secrets(folder: Path) -> None:
    """The entries of Secrets, which are files here, as variables."""
    for file in sorted(folder.glob("*/*")):
        if file.is_file():
            os.environ.setdefault(file.name, file.read_text(encoding="utf-8"))


def _receive(store: Store, stage: Stage, parsed: argparse.Namespace) -> None:
    """Bring recipe, files and results. Raises StageFailure where the recipe is not the pipeline's."""
    model, root = parsed.model, parsed.root
    recipe = f"{conventions.GENERATED_FOLDER}/{model}/{conventions.PIPELINE_FILE}"
    store.receive(model, "given", root, lambda path: path == recipe)
    if not (root / recipe).is_file():
        raise _other_recipe(f"{store.url} has no recipe of {model}", model)
    document = json.loads((root / recipe).read_text(encoding="utf-8"))
    if recipe_digest(document, stage.reads) != parsed.recipe:
        raise _other_recipe(f"{store.url} has another recipe of {model} than this pipeline", model)
    store.receive(model, "given", root, _wanted(document, stage))
    for name in parsed.needs:
        store.receive(model, name, root)


def _other_recipe(message: str, model: str) -> StageFailure:
    hint = f"`aimass train {model} --upload` stores the recipe and what it reads"
    return StageFailure(ExitCode.USAGE, message, f"{hint}; then start the pipeline again")


def _wanted(document: dict[str, object], stage: Stage) -> Callable[[str], bool] | None:
    """All that was given, but for the data where the stage reads none."""
    if "data" in stage.reads:
        return None
    pipeline = Pipeline.model_validate({**document, "settings": Settings.default()})
    data = {path for source in pipeline.data.sources.values() for path in source.dependencies()}
    return lambda path: not any(path == each or path.startswith(f"{each}/") for each in data)


if __name__ == "__main__":
    sys.exit(main())
