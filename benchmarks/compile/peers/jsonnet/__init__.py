"""go-jsonnet: a library of a model's objects, parameters for each model, one file that applies them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.compile.measure import Call
from benchmarks.compile.peers import Task, read, write_json
from benchmarks.compile.work import place

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


LIBRARY = Path(__file__).with_name("library")

_MAIN = """\
// A file for each model in each environment that `environments` names.
local objects = import 'model.libsonnet';
local models = [
%s
];

function(environments) {
  [model.name + '-' + environment + '.json']: objects(model + model.environments[environment])
  for model in models
  for environment in std.split(environments, ',')
}
"""


class Jsonnet:
    """All models in one call."""

    name = "jsonnet"
    tool = "jsonnet"
    takes_environments = True

    def prepare(self, task: Task) -> None:
        for service in task.services:
            places = {name: {**place(name), **service.values_in(name)} for name in service.sizing}
            write_json(
                task.folder / "models" / f"{service.name}.json", {**service.values(), "environments": places}
            )
        imports = "\n".join(f"  import 'models/{service.name}.json'," for service in task.services)
        (task.folder / "main.jsonnet").write_text(_MAIN % imports, encoding="utf-8")

    def calls(self, task: Task) -> Sequence[Call]:
        asked = f"environments={','.join(task.environments)}"
        search = ("--jpath", str(LIBRARY), "--create-output-dirs", "--multi", "out")
        return [Call((task.tools.paths["jsonnet"], *search, "--tla-str", asked, "main.jsonnet"), task.folder)]

    def texts(self, task: Task) -> Iterable[str]:
        return read(task.folder, "out/*.json")
