"""What promtool reads of a model's alerts: its rules as plain rule files, and their unit tests.

Nothing of it is deployed, so nothing of it is in generated/: `aimass alerts` has it made and run.
"""

from __future__ import annotations

from aimass_compiler.pipeline import Pipeline
from aimass_compiler.render.emit import emit
from aimass_compiler.render.monitoring.alert_tests import alert_tests
from aimass_compiler.render.monitoring.alerts import watched
from aimass_compiler.render.monitoring.rules import groups

TEST_ENDING = ".test.yaml"


def promtool_files(pipeline: Pipeline) -> dict[str, bytes]:
    """For each environment the rules and their tests, side by side."""
    files: dict[str, bytes] = {}
    for name, environment in pipeline.environments.items():
        here, rules = watched(pipeline.name, name, environment), f"{name}.rules.yaml"
        files[rules] = emit({"groups": groups(here)}, pipeline.name)
        files[f"{name}{TEST_ENDING}"] = emit(alert_tests(here, rules), pipeline.name)
    return files
