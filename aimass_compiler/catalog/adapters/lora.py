"""Low-rank matrices beside the base's own, which stay as they are.

Source: Hu et al. (2021), https://arxiv.org/abs/2106.09685
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import Field

from aimass_compiler.catalog.adapter import Adapter
from aimass_compiler.catalog.architecture import BYTES
from aimass_compiler.catalog.quantities import Integer, Number, Tunable, is_absent, is_range
from aimass_compiler.diagnostics import HintedError

if TYPE_CHECKING:
    from pathlib import Path

#: The other way is deprecated, and shares no gradients between workers.
_CHECKPOINTS = {"use_reentrant": False}


class Lora(Adapter):
    """Low-rank matrices beside the base's own (LoRA): a few per cent of the weights learn, the base stays."""

    short_form: ClassVar[str | None] = "rank"

    rank: Tunable[Annotated[Integer, Field(ge=1, le=512)]] = 16
    """How many columns the matrices have: how much can be learned."""
    alpha: Tunable[Annotated[Number, Field(gt=0, le=4096)]] = 32
    """What is learned counts alpha ÷ rank times."""
    dropout: Tunable[Annotated[Number, Field(ge=0, le=0.9)]] = 0.0
    """The share of what the matrices read that is left out of each step."""
    targets: Literal["all-linear"] | Annotated[tuple[str, ...], Field(min_length=1)] = "all-linear"
    """The layers that get matrices: all linear ones but the last, or these by name: `[q_proj, v_proj]`."""
    base_precision: Literal["nf4"] | None = Field(None, exclude_if=is_absent)
    """Keep the base in 4 bits while training (QLoRA, Dettmers et al. 2023), with bitsandbytes. The base as it
    is, with what was learned, is evaluated and serves."""

    @property
    def keeps_base(self) -> bool:
        return True

    @property
    def ranks(self) -> tuple[int, ...]:
        rank: Any = self.rank
        return tuple(rank.candidates) if is_range(rank) else (rank,)

    @property
    def is_everywhere(self) -> bool:
        return isinstance(self.targets, str)

    def weight_bytes(self, precision: str) -> float:
        return BYTES[self.base_precision or precision]

    def loading(self, precision: str) -> dict[str, Any]:
        if self.base_precision is None:
            return {}
        if find_spec("bitsandbytes") is None:
            raise HintedError(
                f"`base_precision: {self.base_precision}` needs bitsandbytes",
                "`pip install 'aimass-compiler[qlora]'` brings it",
            )
        import torch
        from transformers import BitsAndBytesConfig

        return {
            "quantization_config": BitsAndBytesConfig(
                load_in_4bit=True,
                bnb_4bit_quant_type=self.base_precision,
                bnb_4bit_compute_dtype=getattr(torch, precision),
            )
        }

    def applied(self, model: Any, seed: int) -> Any:
        import torch
        from peft import LoraConfig, get_peft_model, prepare_model_for_kbit_training

        torch.manual_seed(seed)
        if self.base_precision is not None:
            model = prepare_model_for_kbit_training(model, gradient_checkpointing_kwargs=_CHECKPOINTS)
            _keep_layout(model)
        chosen = self.targets if isinstance(self.targets, str) else list(self.targets)
        own = LoraConfig(
            r=self.rank,
            lora_alpha=self.alpha,
            lora_dropout=self.dropout,
            target_modules=chosen,
            task_type="CAUSAL_LM",
        )
        return get_peft_model(model, own)

    def without(self, model: Any) -> Any:
        return model.disable_adapter()

    def save(self, model: Any, folder: Path) -> str:
        model.save_pretrained(folder / "adapter", safe_serialization=True)
        return "adapter"


def _keep_layout(model: Any) -> None:
    """Keep bitsandbytes from packing weights anew where a model is only asked, which it does on some CPUs.

    It goes on with the packed ones when training goes on, and these have no gradients.
    """
    for layer in model.modules():
        if hasattr(layer, "support_avx512bf16_for_cpu"):
            layer.support_avx512bf16_for_cpu = False
