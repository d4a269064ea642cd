"""Files against what is on disk: the changes with their reasons, and their writing."""

from aimass_compiler.plan.atomic_write import alone, guarded, plan_model, update, write
from aimass_compiler.plan.comparison import Action, FileChange, Files, Plan, compare, merged
from aimass_compiler.plan.difference import unified_diff
from aimass_compiler.plan.folder_lock import folder_locked
from aimass_compiler.plan.snapshot import Snapshot, snapshot, snapshot_of

__all__ = [
    "Action",
    "FileChange",
    "Files",
    "Plan",
    "Snapshot",
    "alone",
    "compare",
    "folder_locked",
    "guarded",
    "merged",
    "plan_model",
    "snapshot",
    "snapshot_of",
    "unified_diff",
    "update",
    "write",
]
