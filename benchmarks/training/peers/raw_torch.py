"""A loop by hand in PyTorch."""

import copy

import torch
from network import BATCH, EPOCHS, RATE, SEED, arrays, built, write


def fit(told=print):
    torch.manual_seed(SEED)
    (x, y), (watched, truth) = (
        [torch.from_numpy(part) for part in arrays(name)] for name in ("train", "validation")
    )
    network, loss = built(), torch.nn.functional.cross_entropy
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    least, best = float("inf"), None
    for _ in range(EPOCHS):
        network.train()
        for rows in torch.randperm(len(y)).split(BATCH):
            optimizer.zero_grad()
            loss(network(x[rows]), y[rows]).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            found = loss(network(watched), truth).item()
        told(found)
        if found < least:
            least, best = found, copy.deepcopy(network.state_dict())
    network.load_state_dict(best)
    return network


if __name__ == "__main__":
    write(fit())
