"""Lightning: a module, and a trainer that keeps the best checkpoint."""

import lightning
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from network import BATCH, EPOCHS, FOLDER, RATE, SEED, arrays, built, write
from torch.utils.data import DataLoader, TensorDataset


class Digits(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.network = built()

    def training_step(self, batch, _):
        return torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1])

    def validation_step(self, batch, _):
        self.log("loss", torch.nn.functional.cross_entropy(self.network(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=RATE)


def rows(split, **options):
    return DataLoader(TensorDataset(*map(torch.from_numpy, arrays(split))), batch_size=BATCH, **options)


if __name__ == "__main__":
    lightning.seed_everything(SEED)
    best = ModelCheckpoint(FOLDER, monitor="loss")
    trainer = lightning.Trainer(
        max_epochs=EPOCHS, accelerator="cpu", callbacks=[best], logger=False, enable_progress_bar=False
    )
    module = Digits()
    trainer.fit(module, rows("train", shuffle=True), rows("validation"))
    module.load_state_dict(torch.load(best.best_model_path)["state_dict"])
    write(module.network)
