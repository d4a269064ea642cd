"""Made-up tickets to a help desk with their answers, and a small language model that knows their words.

What is true of them, so that a model can be judged:

- An answer names the team that takes the ticket and what to do first. Both follow from the complaint: 12 of
  them, each said in three ways, about 14 things, among greetings, dates and numbers that mean nothing.
- The base has read tickets with polite answers that say nothing, and the desk's manual. So it knows what to
  do about each complaint, and never says it to a customer until it is fine-tuned: it answers no ticket right.
- The base has about a million weights and is trained from random ones in 30 seconds: the same weights on each
  run of one machine. It is a folder as Hugging Face's libraries write it, with tokenizer and chat template.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import torch
    from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

TICKETS = 600
_SEED = 20_260_311
_THINGS = (
    "router", "laptop", "printer", "phone", "tablet", "monitor", "keyboard", "headset", "camera", "speaker",
    "scanner", "charger", "watch", "projector",
)  # fmt: skip
#: Team, advice, and the ways in which people complain.
_COMPLAINTS = (
    (
        "network",
        "restart it and wait two minutes",
        ("drops the connection", "loses the signal", "goes offline all day"),
    ),
    (
        "hardware",
        "hold the power button for ten seconds",
        ("does not turn on", "stays dark", "shows no sign of life"),
    ),
    (
        "hardware",
        "clean the fan and let it cool down",
        ("gets far too hot", "burns my fingers", "overheats after an hour"),
    ),
    (
        "hardware",
        "charge it with the cable from the box",
        ("does not charge", "is always empty", "stops charging at half"),
    ),
    (
        "software",
        "install the latest update",
        ("crashes every morning", "freezes all the time", "hangs when I open it"),
    ),
    (
        "software",
        "reset it to factory settings",
        ("is very slow", "takes ages to start", "reacts far too late"),
    ),
    (
        "software",
        "check the sound settings",
        ("makes no sound", "is completely silent", "has lost its voice"),
    ),
    (
        "shipping",
        "send us the tracking number",
        ("has not arrived", "is still on its way", "got lost in the mail"),
    ),
    (
        "shipping",
        "send a photo of the parcel",
        ("came in a broken box", "arrived with a crack", "was damaged on the way"),
    ),
    (
        "returns",
        "print the return label",
        ("is the wrong colour", "is not what I ordered", "should go back to you"),
    ),
    (
        "billing",
        "forward us the invoice",
        ("was charged twice", "cost more than you said", "is wrong on the bill"),
    ),
    (
        "account",
        "request a new password",
        ("asks for a password", "locked me out", "does not accept my code"),
    ),
)
_GREETINGS = ("", "", "Hello. ", "Hi team. ", "Good morning. ", "Dear support. ", "Hey. ")
_FRAMES = (
    "My {thing} {complaint}.", "The {thing} {complaint}.", "The {thing} that I bought {complaint}.",
    "Since {day} my {thing} {complaint}.", "My new {thing} {complaint} since {day}.",
    "I think that my {thing} {complaint}.",
)  # fmt: skip
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_ENDINGS = (
    "", "", " Please help.", " What can I do?", " Order {number}.", " My order is {number}.", " Thank you.",
    " I need it on {day}.",
)  # fmt: skip
_POLITE = (
    "Thank you for your message about the {thing}. We will answer soon.",
    "We are sorry to hear that about your {thing}. Please be patient.",
    "Your {thing} matters to us. Someone will write to you.",
)
#: What the desk's manual is written like; nobody asks in this way.
_MANUAL = "<|system|>{thing}: it {complaint}<|end|><|assistant|>{team}: {advice}<|end|>"

_VOCABULARY = 640
_CONTEXT = 256
_STEPS = 240
_ROWS = 16
_LENGTH = 64
_LEARNING_RATE = 3e-3
_SPECIAL = ("<|pad|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>")
_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


def tickets() -> Mapping[str, bytes]:
    """`tickets.jsonl`: a ticket and its answer on each line; and the folder of the base, `models/base`."""
    return {"tickets.jsonl": rows(), **_base(numpy.random.Generator(numpy.random.PCG64(_SEED + 1)))}


def rows() -> bytes:
    """A ticket and its answer on each line, no ticket twice."""
    draw = numpy.random.Generator(numpy.random.PCG64(_SEED))
    found = [*dict(_ticket(draw) for _ in range(2 * TICKETS)).items()][:TICKETS]
    lines = [json.dumps({"prompt": prompt, "answer": answer}) for prompt, answer in found]
    return "".join(f"{line}\n" for line in lines).encode()


def _ticket(draw: numpy.random.Generator) -> tuple[str, str]:
    prompt, _, (team, advice, _) = _message(draw)
    return prompt, f"{team}: {advice}"


def _message(draw: numpy.random.Generator) -> tuple[str, str, tuple[str, str, tuple[str, ...]]]:
    """What a customer writes, the thing that it is about, and the complaint."""
    thing = _of(draw, _THINGS)
    kind = _COMPLAINTS[int(draw.integers(0, len(_COMPLAINTS)))]
    words = {"thing": thing, "complaint": _of(draw, kind[2]), "day": _of(draw, _DAYS)}
    text = _of(draw, _GREETINGS) + _of(draw, _FRAMES) + _of(draw, _ENDINGS)
    return text.format(**words, number=draw.integers(1_000, 9_999)), thing, kind


def _of(draw: numpy.random.Generator, choices: Sequence[str]) -> str:
    return choices[int(draw.integers(0, len(choices)))]


def _document(draw: numpy.random.Generator) -> str:
    """What the base reads: a ticket with a polite answer, or an entry of the manual."""
    prompt, thing, (team, advice, complaints) = _message(draw)
    if draw.random() < 0.5:  # noqa: PLR2004  # as much of both
        return f"<|user|>{prompt}<|end|><|assistant|>{_of(draw, _POLITE).format(thing=thing)}<|end|>"
    words = {"thing": thing, "complaint": _of(draw, complaints), "team": team, "advice": advice}
    return _MANUAL.format(**words)


def _base(draw: numpy.random.Generator) -> Mapping[str, bytes]:
    """The files of the base, named from the folder of the data."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    from transformers.utils import logging

    documents = [_document(draw) for _ in range(_STEPS * _ROWS)]
    tokenizer = _tokenizer(documents)
    model = _trained(documents, tokenizer)
    logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as folder:
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        return {f"../models/base/{path.name}": path.read_bytes() for path in sorted(Path(folder).iterdir())}


def _tokenizer(documents: Sequence[str]) -> PreTrainedTokenizerFast:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=_VOCABULARY,
        special_tokens=list(_SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(documents, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=_SPECIAL[0],
        eos_token=_SPECIAL[1],
        model_max_length=_CONTEXT,
        chat_template=_TEMPLATE,
    )


def _trained(documents: Sequence[str], tokenizer: PreTrainedTokenizerFast) -> LlamaForCausalLM:
    """A model that has read each document once, from random weights, in float32."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(_SEED)
    torch.set_num_threads(1)  # sums in one order, and no threads that wait for one another
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=128,
            intermediate_size=384,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=2,
            max_position_embeddings=_CONTEXT,
            tie_word_embeddings=False,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=_LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _LEARNING_RATE, total_steps=_STEPS)
    for step in range(_STEPS):
        tokens = _rows(tokenizer, documents[step * _ROWS : (step + 1) * _ROWS])
        loss = model(input_ids=tokens, labels=tokens.masked_fill(tokens == tokenizer.pad_token_id, -100)).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    return model.eval()


def _rows(tokenizer: PreTrainedTokenizerFast, documents: Sequence[str]) -> torch.Tensor:
    return tokenizer(
        list(documents), padding=True, truncation=True, max_length=_LENGTH, return_tensors="pt"
    ).input_ids
