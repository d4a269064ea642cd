"""vLLM on a GPU: how soon it starts, what it answers in bf16 and FP8, and what a queue costs.

`python -m scripts.vllm.gpu --package artifacts/tickets/package/model` on a machine that has vLLM 0.32. Each
step is kept as soon as it is done, so that what is cut off loses nothing before it. `--accelerator none`
tries all but FP8 on a CPU.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from aimass_compiler import conventions
from aimass_compiler.catalog.artifacts._causal_model import CausalModel
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.serving import vllm
from aimass_compiler.runtime.packaging.parity_certificate import CertifiedRow, Form, certify
from aimass_compiler.spec.yaml.reader import parse
from scripts.vllm.server import PROGRAM, Engine, events, running
from scripts.vllm.text_engine import VllmEngine

SPEC = Path(__file__).parents[2] / "specs" / "tickets.yaml"
MODEL, ENVIRONMENT = "tickets", "prod"
AT_ONCE = (1, 8, 32, 128)
ANSWERS_EACH = 4


def main() -> None:
    arguments = _arguments()
    results: dict[str, Any] = {}

    def keep(step: str, found: object) -> None:
        results[step] = found
        print(f"{step}: {json.dumps(found)}", flush=True)
        arguments.results.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")

    package: Path = arguments.package
    reference = CausalModel.of_weights("merged weights", package / "weights", package / "weights")
    is_gpu = arguments.accelerator != "none"
    for precision, largest in (("bfloat16", 0.25), ("fp8", 0.5)) if is_gpu else (("float32", 0.02),):
        began = time.monotonic()
        with started(arguments, precision) as engine:
            keep(f"{precision}: seconds until ready", round(time.monotonic() - began, 1))
            keep(f"{precision}: parity", parity(engine, package, reference, largest))
            for count in AT_ONCE if precision != "fp8" else ():
                keep(f"{precision}: {count} at once", load(engine, count))
            if arguments.adapter is not None:
                keep(f"{precision}: adapter", swapped(engine, package))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--package", type=Path, required=True, help="the folder of a packaged model")
    parser.add_argument("--adapter", type=Path, help="a folder with `adapter/` for these weights")
    parser.add_argument("--accelerator", default="nvidia-h200", help="its name, or none")
    parser.add_argument("--memory", default="141Gi", help="its memory")
    parser.add_argument("--program", type=Path, default=PROGRAM, help="vLLM's program")
    parser.add_argument("--results", type=Path, default=Path("build/vllm-gpu.json"))
    return parser.parse_args()


@contextmanager
def started(arguments: argparse.Namespace, precision: str) -> Iterator[Engine]:
    """The engine with the command that an environment with this accelerator renders."""
    options = "quantization: fp8" if precision == "fp8" else f"dtype: {precision}"
    name = "" if arguments.adapter is None else arguments.adapter.name
    adapters = f", adapters: {{models: [{name}], rank: 16}}" if name else ""
    eager = ", eager: true" if arguments.accelerator == "none" else ""
    serving = (
        f"\nserving: {{engine: vllm, concurrent: 32, limits: {{concurrency: 256}}, "
        f"resources: {{cpu: 1, memory: 8Gi}}, vllm: {{{options}{eager}}}{adapters}}}\n"
    )
    device = {"name": arguments.accelerator, "memory": arguments.memory}
    here = {} if arguments.accelerator == "none" else {"accelerator": device}
    settings = Settings.model_validate({"environments": {ENVIRONMENT: here}})
    read = parse(SPEC.read_bytes() + serving.encode(), SPEC.name)
    pipeline = compile_spec(read, settings, upto=Upto.CHECK).pipeline
    if pipeline is None:
        raise SystemExit("the spec with this serving does not compile")
    command, variables = vllm.command(pipeline, ENVIRONMENT)
    paths = {conventions.IMAGE_PACKAGE_FOLDER: arguments.package.resolve()}
    if arguments.adapter is not None:
        paths[vllm.ADAPTERS_FOLDER] = arguments.adapter.resolve().parent
    with (
        TemporaryDirectory() as folder,
        running(command, variables, paths, Path(folder), arguments.program) as engine,
    ):
        yield engine


def parity(engine: Engine, package: Path, reference: CausalModel, largest: float) -> object:
    """How far the engine is from the weights in float32, on the package's golden prompts."""
    golden = json.loads((package / conventions.GOLDEN_FILE).read_text())["prompts"]
    rows = [
        CertifiedRow(number, each["messages"], tuple(each["answer_ids"]))
        for number, each in enumerate(golden)
    ]
    served = VllmEngine(engine, MODEL, package / "weights")
    found = certify(rows, reference, [Form(served, largest=largest)])
    return {"statement": found.statement, "problems": found.problems}


def load(engine: Engine, count: int) -> dict[str, float]:
    """What so many callers at once see: seconds until the first token, tokens a second of all."""
    before, began = engine.metrics(), time.monotonic()
    with ThreadPoolExecutor(count) as pool:
        calls = [pool.submit(_first_token, engine) for _ in range(count * ANSWERS_EACH)]
        waiting = engine.metrics()["vllm:num_requests_waiting"]
        firsts = [call.result() for call in calls]
    seconds, after = time.monotonic() - began, engine.metrics()
    name = "vllm:generation_tokens_total"
    p50, p95 = _percentiles(firsts)
    return {
        "tokens_a_second": round((after[name] - before.get(name, 0.0)) / seconds, 1),
        "first_token_p50": round(p50, 4),
        "first_token_p95": round(p95, 4),
        "waiting": waiting,
        "preemptions": after["vllm:num_preemptions_total"] - before.get("vllm:num_preemptions_total", 0.0),
    }


def _first_token(engine: Engine) -> float:
    began = time.monotonic()
    document = {"model": MODEL, "prompt": [5] * 8, "max_tokens": 64, "ignore_eos": True, "stream": True}
    with httpx.stream("POST", f"{engine.address}/v1/completions", json=document, timeout=300) as answer:
        lines = events(answer)
        next(lines)
        first = time.monotonic() - began
        for _ in lines:
            pass
    return first


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    found = quantiles(values, n=100, method="inclusive")
    return found[49], found[94]


def swapped(engine: Engine, package: Path) -> dict[str, float]:
    """What it costs that requests of a batch have different adapters: seconds of the same answers."""
    models = [each["id"] for each in engine.get("/v1/models").json()["data"]]
    golden = json.loads((package / conventions.GOLDEN_FILE).read_text())["prompts"]
    times = {}
    for name, chosen in (("base", [MODEL]), ("mixed", models)):
        began = time.monotonic()
        with ThreadPoolExecutor(16) as pool:
            calls = [
                pool.submit(
                    engine.answer,
                    "/v1/completions",
                    model=chosen[number % len(chosen)],
                    prompt=golden[number % len(golden)]["prompt_ids"],
                    max_tokens=32,
                    ignore_eos=True,
                )
                for number in range(64)
            ]
            for call in calls:
                call.result()
        times[name] = round(time.monotonic() - began, 3)
    return times


if __name__ == "__main__":
    main()
