"""skorch: scikit-learn's words around a network, with the best checkpoint."""

import torch
from network import BATCH, EPOCHS, FOLDER, RATE, SEED, arrays, built, write
from skorch import NeuralNetClassifier
from skorch.callbacks import Checkpoint
from skorch.dataset import Dataset
from skorch.helper import predefined_split

if __name__ == "__main__":
    torch.manual_seed(SEED)
    best = Checkpoint(monitor="valid_loss_best", dirname=str(FOLDER), load_best=True)
    net = NeuralNetClassifier(
        built(),
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        batch_size=BATCH,
        max_epochs=EPOCHS,
        train_split=predefined_split(Dataset(*arrays("validation"))),
        iterator_train__shuffle=True,
        callbacks=[best],
        verbose=0,
    )
    net.fit(*arrays("train"))
    write(net.module_)
