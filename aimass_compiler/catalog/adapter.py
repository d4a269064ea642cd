"""What of a language model learns: all of its weights, or a few beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler.catalog import Kind

if TYPE_CHECKING:
    from pathlib import Path


class Adapter(Kind):
    """What of a language model learns; every number may be a range."""

    @property
    def keeps_base(self) -> bool:
        """Whether the base's own weights stay as they are."""
        return False

    @property
    def ranks(self) -> tuple[int, ...]:
        """The ranks of the matrices that it may have beside the base's; none where the base itself learns."""
        return ()

    @property
    def is_everywhere(self) -> bool:
        """Whether all linear layers but the last learn."""
        return True

    def weight_bytes(self, precision: str) -> float:
        """How many bytes of memory a weight of the base takes in training."""
        del precision
        return 4

    def loading(self, precision: str) -> dict[str, Any]:
        """What is passed to transformers where it loads the base, to be computed with in this precision.

        Raises HintedError where a library is missing.
        """
        del precision
        return {}

    def applied(self, model: Any, seed: int) -> Any:
        """The base with what learns; every parameter is a value, not a range."""
        del seed
        return model

    def without(self, model: Any) -> Any:
        """A context in which the model answers as the base; None where the base is not there any more."""
        del model

    def save(self, model: Any, folder: Path) -> str:
        """Leave what was learned in a folder of this one, and answer its name."""
        raise NotImplementedError
