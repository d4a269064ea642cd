"""Ray Tune, bare: the loop by hand as its only trial, which reports each epoch's loss."""

import os

os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from network import FOLDER, write
from raw_torch import fit
from ray import tune


def trial(_):
    import torch

    torch.set_num_threads(os.cpu_count())
    write(fit(lambda loss: tune.report({"loss": loss})))


if __name__ == "__main__":
    ray.init(address="local", include_dashboard=False, log_to_driver=False, logging_level="error")
    tuner = tune.Tuner(
        trial,
        tune_config=tune.TuneConfig(metric="loss", mode="min", num_samples=1),
        run_config=tune.RunConfig(storage_path=str(FOLDER / "tune"), verbose=0),
    )
    assert not tuner.fit().errors
    ray.shutdown()
