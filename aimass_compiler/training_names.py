"""Every name of what a training job shows of itself on which it, its monitor and its alerts must agree."""

from __future__ import annotations

#: The port at which the process that runs a stage shows how far it is; unset, nothing is shown.
VARIABLE_PORT = "AIMASS_TRAINING_METRICS_PORT"
PORT = 8090
#: Where Ray itself shows what its nodes use.
RAY_PORT = 8080

# All are gauges with the labels model and stage, and with those that are named.
SHARE = "aimass_training_progress_ratio"
DONE, TOTAL = "aimass_training_done", "aimass_training_total"  # unit: trial, step
METRIC = "aimass_training_metric"  # metric
REMAINING = "aimass_training_remaining_seconds"
BEGAN = "aimass_training_began_timestamp_seconds"
PROGRESSED = "aimass_training_progress_timestamp_seconds"
PATIENCE = "aimass_training_patience_seconds"
ENDED = "aimass_training_ended_timestamp_seconds"  # outcome
MEMORY, MEMORY_LIMIT = "aimass_training_memory_bytes", "aimass_training_memory_limit_bytes"
GPU_USE = "aimass_training_gpu_utilization_ratio"  # gpu
GPU_MEMORY, GPU_MEMORY_LIMIT = "aimass_training_gpu_memory_bytes", "aimass_training_gpu_memory_limit_bytes"
#: How a run ended that did not fail.
WENT_WELL = "done"

# What is used of Ray's own gauges, each of a node; amounts of GPUs are in megabytes.
RAY_CPU, RAY_MEMORY, RAY_MEMORY_LIMIT = "ray_node_cpu_utilization", "ray_node_mem_used", "ray_node_mem_total"
RAY_GPU, RAY_GPU_MEMORY = "ray_node_gpus_utilization", "ray_node_gram_used"
RAY_SERIES = (RAY_CPU, RAY_MEMORY, RAY_MEMORY_LIMIT, RAY_GPU, RAY_GPU_MEMORY)
