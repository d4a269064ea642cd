"""`python bare_engine.py FOLDER`: onnxruntime-genai's own loop, as its documentation has it, round by round.

Each line of standard input is `[PROMPT_IDS, ANSWERS, TOKENS, AT_ONCE]`; each line of output has the
seconds of each first token, and of all of it.
"""

from __future__ import annotations

import json
import sys
import time

import numpy
import onnxruntime_genai


def main() -> None:
    """Load once, and answer every line."""
    configuration = onnxruntime_genai.Config(sys.argv[1])
    options = {"intra_op_num_threads": 1, "inter_op_num_threads": 1}
    configuration.overlay(json.dumps({"model": {"decoder": {"session_options": options}}}))
    model = onnxruntime_genai.Model(configuration)
    for line in sys.stdin:
        ids, answers, tokens, at_once = json.loads(line)
        print(json.dumps(_round(model, ids, answers, tokens, at_once)), flush=True)


def _round(model: object, ids: list[int], answers: int, tokens: int, at_once: int) -> dict[str, object]:
    firsts = []
    began = time.perf_counter()
    for _ in range(answers // at_once):
        started = time.perf_counter()
        writing = [_generator(model, ids, tokens) for _ in range(at_once)]
        is_first = True
        while writing:
            for generator in list(writing):
                generator.generate_next_token()
                generator.get_next_tokens()
                if is_first:
                    firsts.append(time.perf_counter() - started)
                if generator.is_done():
                    writing.remove(generator)
            is_first = False
    return {"first": firsts, "seconds": time.perf_counter() - began, "tokens": answers * tokens}


def _generator(model: object, ids: list[int], tokens: int) -> onnxruntime_genai.Generator:
    parameters = onnxruntime_genai.GeneratorParams(model)
    length = len(ids) + tokens
    parameters.set_search_options(max_length=length, min_length=length, do_sample=False)
    generator = onnxruntime_genai.Generator(model, parameters)
    generator.append_tokens(numpy.array(ids, dtype=numpy.int32))
    return generator


if __name__ == "__main__":
    main()
