"""The proof before the server is ready: certified prompts must become the tokens that were certified."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.language_server.generation import GenerationRequest, TokenSampling
from aimass_compiler.runtime.server.response import RequestError, ServerFailure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aimass_compiler.runtime.language_server.engine import EngineProcess
    from aimass_compiler.runtime.language_server.package import LanguagePackage
    from aimass_compiler.runtime.language_server.text import ChatTemplate, Tokenizer

_SHOWN = 8


def verify_golden_prompts(
    package: LanguagePackage, tokenizer: Tokenizer, template: ChatTemplate, engine: EngineProcess
) -> None:
    """Ask every golden prompt; raises ServerFailure where one is read or answered otherwise."""
    path = package.folder.parent / conventions.GOLDEN_FILE
    try:
        prompts, tolerance = list(package.golden["prompts"]), float(package.golden["tolerance"])
        for at, golden in enumerate(prompts):
            message = _difference(golden, tolerance, package.signature.context, tokenizer, template, engine)
            if message:
                raise ServerFailure(
                    ExitCode.PACKAGE, f"prompt {at} of {path} {message}; package the model again"
                )
    except (KeyError, TypeError, ValueError, RequestError) as error:
        message = error.message if isinstance(error, RequestError) else repr(error)
        raise ServerFailure(ExitCode.PACKAGE, f"{path} does not fit: {message}") from error
    if not prompts:
        raise ServerFailure(ExitCode.PACKAGE, f"{path} has no prompt; package the model again")


def _difference(
    golden: Mapping[str, Any],
    tolerance: float,
    context: int,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    engine: EngineProcess,
) -> str:
    """What is otherwise than certified, as the end of a sentence; empty where nothing is."""
    ids = tokenizer.ids(template.prompt(golden["messages"]), context)
    if list(ids) != golden["prompt_ids"]:
        return f"is read as the tokens {_begin(ids)}, where {_begin(golden['prompt_ids'])} were certified"
    certified = golden["answer_ids"]
    tokens = engine.answer(GenerationRequest(0, ids, len(certified), TokenSampling(), alternatives=0))
    found = [token.token for token in tokens]
    if found != certified:
        return f"is answered with the tokens {_begin(found)}, where {_begin(certified)} were certified"
    for token, wanted in zip(tokens, golden["log_probabilities"], strict=True):
        apart = abs(token.log_probability - float(wanted))
        if not math.isfinite(apart) or apart > tolerance:
            return f"has a log-probability {apart:.2g} off, where {tolerance:g} was certified"
    return ""


def _begin(tokens: Any) -> str:
    shown = ", ".join(map(str, tokens[:_SHOWN]))
    return f"[{shown}{', …' if len(tokens) > _SHOWN else ''}]"
