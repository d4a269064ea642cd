"""Files against what is on disk: the changes with their reasons, and their writing."""

from aimass_compiler.plan.comparison import Action, Change, Files, Plan, compare
from aimass_compiler.plan.difference import unified_diff
from aimass_compiler.plan.snapshot import Snapshot, snapshot, snapshot_of
from aimass_compiler.plan.writing import alone, guarded, locked, plan_model, replace_file, update, write

__all__ = [
    "Action",
    "Change",
    "Files",
    "Plan",
    "Snapshot",
    "alone",
    "compare",
    "guarded",
    "locked",
    "plan_model",
    "replace_file",
    "snapshot",
    "snapshot_of",
    "unified_diff",
    "update",
    "write",
]
