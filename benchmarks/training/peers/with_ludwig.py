"""Ludwig: stacked convolutions by a configuration, from images in a table."""

import numpy as np
import pandas as pd
from ludwig.api import LudwigModel
from network import BATCH, EPOCHS, FOLDER, RATE, SEED, arrays

CONFIG = {
    "input_features": [
        {
            "name": "image",
            "type": "image",
            "preprocessing": {"height": 8, "width": 8, "num_channels": 1},
            "encoder": {
                "type": "stacked_cnn",
                "conv_layers": [
                    {
                        "out_channels": 16,
                        "kernel_size": 3,
                        "padding": "same",
                        "norm": "batch",
                        "pool_size": 2,
                    },
                    {
                        "out_channels": 32,
                        "kernel_size": 3,
                        "padding": "same",
                        "norm": "batch",
                        "pool_size": 2,
                    },
                ],
                "fc_layers": [],
            },
        }
    ],
    "output_features": [{"name": "digit", "type": "category"}],
    "trainer": {
        "epochs": EPOCHS,
        "batch_size": BATCH,
        "learning_rate": RATE,
        "optimizer": {"type": "adam"},
        "early_stop": -1,
    },
}


def table(split):
    x, y = arrays(split)
    # Ludwig reads rows, columns, channels, and divides by 255.
    return pd.DataFrame({"image": list(np.moveaxis(x, 1, -1) * 255), "digit": [str(value) for value in y]})


if __name__ == "__main__":
    model = LudwigModel(CONFIG, backend="local")
    watched = table("validation")
    model.train(
        training_set=table("train"),
        validation_set=watched,
        test_set=watched,
        random_seed=SEED,
        output_directory=str(FOLDER),
        skip_save_processed_input=True,
    )
    answers, _ = model.predict(dataset=watched, skip_save_predictions=True)
    np.save(FOLDER / "answers.npy", answers["digit_predictions"].astype(int).to_numpy())
