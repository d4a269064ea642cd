"""The pictures of a training job: how far it is, how good, how long it takes, and what it uses."""

from __future__ import annotations

from aimass_compiler import training_names as names
from aimass_compiler.render.monitoring.panel import Panel

#: Ray counts the memory of GPUs in megabytes.
_MEGABYTE = 1024**2


def training_panels(chosen: str) -> tuple[Panel, ...]:
    """All pictures of the job whose series a selector of PromQL chooses."""
    waits = f"time() - max({names.PROGRESSED}{chosen})"
    return (
        Panel("Progress", "percentunit", ((f"max({names.SHARE}{chosen})", "of the run"),), threshold=1),
        Panel(
            "Trials and steps",
            "short",
            (
                (f"max by (unit) ({names.DONE}{chosen})", "{{unit}}s done"),
                (f"max by (unit) ({names.TOTAL}{chosen})", "all {{unit}}s"),
            ),
        ),
        Panel(
            "Metrics",
            "short",
            ((f"max by (metric) ({names.METRIC}{chosen})", "{{metric}}"),),
            "Of trials the best so far, of the steps of one training the latest; at last of the test split.",
        ),
        Panel("About how long the stage goes on", "s", ((f"max({names.REMAINING}{chosen})", "left"),)),
        Panel(
            "Since it last went on",
            "s",
            ((waits, "waiting"), (f"max({names.PATIENCE}{chosen})", "a stall")),
        ),
        Panel(
            "How runs ended",
            "short",
            ((f"count by (outcome) (last_over_time({names.ENDED}{chosen}[1h]))", "{{outcome}}"),),
            "`done`, or the reason for which it failed.",
        ),
        *_use(chosen),
    )


def _use(chosen: str) -> tuple[Panel, ...]:
    """What its pods use, as Ray tells of each node, and the first pod of itself."""
    memory = f"max by (pod) ({names.RAY_MEMORY}{chosen} / {names.RAY_MEMORY_LIMIT}{chosen})"
    own = f"max by (pod) ({names.MEMORY}{chosen} / {names.MEMORY_LIMIT}{chosen})"
    graphics = f"max by (pod) ({names.GPU_MEMORY}{chosen} / {names.GPU_MEMORY_LIMIT}{chosen})"
    return (
        Panel("Memory", "percentunit", ((f"{memory}\nor {own}", "{{pod}}"),), threshold=0.9),
        Panel("CPU", "percent", ((f"max by (pod) ({names.RAY_CPU}{chosen})", "{{pod}}"),)),
        Panel(
            "GPUs",
            "percent",
            (
                (f"max by (pod) ({names.RAY_GPU}{chosen})", "{{pod}}"),
                (f"100 * max by (pod, gpu) ({names.GPU_USE}{chosen})", "{{pod}} {{gpu}}"),
            ),
        ),
        Panel(
            "Memory of GPUs",
            "bytes",
            ((f"sum by (pod) ({names.RAY_GPU_MEMORY}{chosen}) * {_MEGABYTE}", "{{pod}}"),),
        ),
        Panel(
            "Memory of the first pod's GPUs",
            "percentunit",
            ((graphics, "{{pod}}"),),
            "Where `nvidia-ml-py` is in the image.",
        ),
    )
