"""What promtool reads of a model's alerts: its rules as plain rule files, and their unit tests.

Nothing of it is deployed, so nothing of it is in generated/: `aimass alerts` has it made and run.
"""

from __future__ import annotations

from msgspec.structs import replace

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alert_tests import alert_tests
from aimass_compiler.render.monitoring.alerts import Watched, watched
from aimass_compiler.render.monitoring.rules import groups
from aimass_compiler.render.monitoring.scenarios import within_an_hour, within_days

RULES_ENDING = ".rules.yaml"
TEST_ENDING = ".test.yaml"
#: Minutes between two looks at the rules: few show how long each alert is held back, days need many.
_STEP, _LONG_STEP = 2, 20


def promtool_files(pipeline: Pipeline) -> dict[str, bytes]:
    """For each environment the rules and their tests, side by side.

    Days are lived through once for environments whose rules differ in nothing but names.
    """
    files: dict[str, bytes] = {}
    tested: set[Watched] = set()
    for name, environment in pipeline.environments.items():
        here, rules = watched(pipeline.metadata, name, environment), f"{name}{RULES_ENDING}"
        soon = alert_tests(within_an_hour(here), here, rules, _STEP)
        files[rules] = emit({"groups": groups(here)}, pipeline.name)
        files[f"{name}{TEST_ENDING}"] = emit(soon, pipeline.name)
        nameless = replace(here, environment="", namespace="")
        if nameless not in tested:
            tested.add(nameless)
            late = alert_tests(within_days(here), here, rules, _LONG_STEP)
            files[f"{name}.days{TEST_ENDING}"] = emit(late, pipeline.name)
    return files
