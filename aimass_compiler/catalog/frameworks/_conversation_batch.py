"""A batch of conversations, as a network reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

if TYPE_CHECKING:
    import numpy
    import torch

    from aimass_compiler.catalog.examples import Examples


class ConversationBatch(Struct, frozen=True):
    """Rows of conversations as a network reads them; pairs are twice as many rows, the liked ones first."""

    tokens: torch.Tensor
    """[B, L], cut to the longest row."""
    numbers: torch.Tensor
    """Of which conversation of the row each token is, [B, L]: above 0 where learned, 0 behind the end."""
    weights: torch.Tensor | None

    @classmethod
    def of(cls, examples: Examples, places: numpy.ndarray, device: str) -> Self:
        """The rows at these places, on a device."""
        import numpy
        import torch

        rows = numpy.asarray(examples.x[places])
        if rows.ndim == 4:  # noqa: PLR2004  # pairs
            rows = numpy.concatenate([rows[:, 0], rows[:, 1]])
        longest = max(int((rows[..., 1] != 0).sum(axis=1).max()), 2)
        found = torch.from_numpy(rows[:, :longest].astype(numpy.int64)).to(device)
        weights = None
        if examples.weights is not None:
            weights = torch.from_numpy(examples.weights[places].astype(numpy.float32)).to(device)
        return cls(found[..., 0], found[..., 1], weights)

    @property
    def reading(self) -> dict[str, torch.Tensor]:
        """What the network is given: no conversation of a packed row sees another."""
        import torch

        own = self.numbers.abs()
        if int(own.max()) <= 1:
            return {"input_ids": self.tokens, "attention_mask": (own > 0).long()}
        length = own.shape[1]
        places = torch.arange(length, device=own.device).expand_as(own)
        begins = torch.ones_like(own, dtype=torch.bool)
        begins[:, 1:] = own[:, 1:] != own[:, :-1]
        start = torch.where(begins, places, 0).cummax(dim=1).values
        is_seen = (own[:, :, None] == own[:, None, :]) & (places[:, :, None] >= places[:, None, :])
        mask = torch.zeros(is_seen.shape).masked_fill(~is_seen, torch.finfo(torch.float32).min)
        return {"input_ids": self.tokens, "attention_mask": mask[:, None], "position_ids": places - start}

    def log_probabilities(self, network: Any) -> torch.Tensor:
        """The natural logarithm of the probability of each learned token, [B, L - 1]; 0 of the others."""
        import torch

        logits = network(**self.reading).logits[:, :-1]
        wanted = self.tokens[:, 1:]
        is_learned = (self.numbers[:, 1:] > 0) & (self.numbers[:, 1:] == self.numbers[:, :-1].abs())
        losses = torch.nn.functional.cross_entropy(
            logits.float().transpose(1, 2), wanted.masked_fill(~is_learned, -100), reduction="none"
        )
        return -losses
