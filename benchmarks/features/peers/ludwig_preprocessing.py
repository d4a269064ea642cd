"""What Ludwig can do of the features: neither medians nor buckets, crosses or hashes.

It fills gaps by the mean, and learns which 64 words are frequent.
"""

import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

from ludwig.api import LudwigModel

NUMBERS = [*(f"x{place}" for place in range(10)), *(f"n{place}" for place in range(4))]
CATEGORIES = ["c0", "c1", "c2", "c3"]


def config():
    number = {"missing_value_strategy": "fill_with_mean", "normalization": "zscore"}
    return {
        "input_features": [
            *({"name": name, "type": "number", "preprocessing": number} for name in NUMBERS),
            *(
                {"name": name, "type": "category", "preprocessing": {"most_common": 10_000}}
                for name in CATEGORIES
            ),
            {
                "name": "note",
                "type": "bag",
                "preprocessing": {"tokenizer": "space", "most_common": 64, "lowercase": True},
            },
        ],
        "output_features": [
            {"name": "bought", "type": "binary", "preprocessing": {"fallback_true_label": "yes"}}
        ],
        "preprocessing": {"split": {"type": "hash", "column": "n0", "probabilities": [0.8, 0.1, 0.1]}},
    }


def main(source, folder):
    # Beside the rows it would keep what it computed, and do nothing the next time.
    rows = folder / source.name
    rows.symlink_to(source)
    model = LudwigModel(config(), backend="local")
    model.preprocess(dataset=str(rows), skip_save_processed_input=False, output_directory=str(folder))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
