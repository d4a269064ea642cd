"""The packaged model in the real vLLM, started as its container is: it answers as its certificate says.

One engine serves all of these tests: most of the time that it takes to start are imports.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy
import polars
import pytest
import yaml
from pipeline.projects import wait_until
from pipeline.test_shipped_specs import REPOSITORY, shipped

from aimass_compiler import conventions, render
from aimass_compiler.catalog.artifacts._causal_model import CausalModel, loaded_weights
from aimass_compiler.catalog.artifacts._compressed_weights import write_compressed
from aimass_compiler.catalog.frameworks._chat_tokens import Tokenizing
from aimass_compiler.catalog.text_engine import TokenRow
from aimass_compiler.compile import Upto, compile_spec
from aimass_compiler.pipeline import Pipeline
from aimass_compiler.pipeline.settings import Settings
from aimass_compiler.render.serving import vllm
from aimass_compiler.runtime.packaging.parity_certificate import CertifiedRow, Form, certify
from aimass_compiler.spec.yaml.reader import parse
from scripts.vllm.server import PROGRAM, Engine, events, running
from scripts.vllm.text_engine import VllmEngine
from tests.harness.prometheus import server as prometheus
from tests.harness.prometheus.clock import faster, faster_rules
from tests.harness.prometheus.discovery import Pod, scrape_config
from tests.harness.prometheus.server import Prometheus

pytestmark = pytest.mark.skipif(not PROGRAM.is_file(), reason="no vLLM: `make vllm` installs it (gigabytes)")

MODEL, ADAPTER, ENVIRONMENT = "tickets", "billing", "prod"
CONCURRENT, WAITING = 2, 3
SERVING = f"""
serving:
  engine: vllm
  concurrent: {CONCURRENT}
  limits: {{concurrency: {WAITING}, timeout: 60s}}
  resources: {{cpu: 1, memory: 8Gi}}
  vllm: {{eager: true}}
  adapters: {{models: [{ADAPTER}], rank: 8}}
"""
LEARNED = ("Where is my invoice?", "It is in the mail of the first of the month.")
ROWS = 8


@pytest.fixture(scope="module")
def pipeline() -> Pipeline:
    """The shipped spec, served by vLLM on a CPU, with an adapter beside it."""
    return _compiled(SERVING)


def _compiled(more: str) -> Pipeline:
    """The shipped spec with more keys."""
    text = (REPOSITORY / "specs" / f"{MODEL}.yaml").read_text(encoding="utf-8")
    read = parse(text.encode() + more.encode(), f"specs/{MODEL}.yaml")
    found = compile_spec(read, Settings(), upto=Upto.CHECK).pipeline
    assert found is not None
    return found


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the stages left of the shipped model."""
    root = tmp_path_factory.mktemp("project")
    project = shipped(root, REPOSITORY / "specs" / f"{MODEL}.yaml")
    done = project.aimass("run", MODEL, "--until", "package")
    assert (root / "artifacts" / MODEL / "package/model/weights").is_dir(), done.told
    return root / "artifacts" / MODEL


@pytest.fixture(scope="module")
def weights(artifacts: Path) -> Path:
    return artifacts / "package/model/weights"


@pytest.fixture(scope="module")
def adapter(weights: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an adapter that has learned one sentence beside the packaged weights."""
    import torch
    from peft import LoraConfig, get_peft_model

    torch.set_num_threads(1)
    torch.manual_seed(3)
    tokenizer = Tokenizing.of(weights).tokenizer
    model = get_peft_model(
        loaded_weights(weights), LoraConfig(r=8, lora_alpha=16, target_modules="all-linear")
    )
    question, answer = LEARNED
    turns = [{"role": "user", "content": question}, {"role": "assistant", "content": answer}]
    ids = torch.tensor([tokenizer.apply_chat_template(turns, tokenize=True, return_dict=False)])
    optimizer = torch.optim.AdamW(model.parameters(), 5e-3)
    for _ in range(60):
        optimizer.zero_grad()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    folder = tmp_path_factory.mktemp("adapters")
    model.save_pretrained(folder / ADAPTER / "adapter", safe_serialization=True)
    return folder


@pytest.fixture(scope="module")
def engine(
    pipeline: Pipeline, weights: Path, adapter: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    command, variables = vllm.command(pipeline, ENVIRONMENT)
    paths = {conventions.IMAGE_PACKAGE_FOLDER: weights.parent, vllm.ADAPTERS_FOLDER: adapter}
    with running(command, variables, paths, tmp_path_factory.mktemp("vllm")) as found:
        yield found


@pytest.fixture(scope="module")
def prompts(artifacts: Path) -> list[str]:
    return polars.read_parquet(artifacts / "prepare/test.parquet")["prompt"].to_list()


def asked(prompt: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}]


def certified(form: VllmEngine, reference: CausalModel, prompts: list[str], near: float = 0.02) -> list[str]:
    """How the engine answers otherwise than a reference, in words."""
    rows = []
    for number, prompt in enumerate(prompts[:ROWS]):
        (answer,) = reference.greedy([reference.prompt_ids(asked(prompt))], 32)
        rows.append(CertifiedRow(number, asked(prompt), (*answer, *reference.stop_ids[:1])))
    return certify(rows, reference, [Form(form, largest=near)]).problems


def test_it_answers_as_the_merged_weights_do(engine: Engine, weights: Path, prompts: list[str]) -> None:
    reference = CausalModel.of_weights("merged weights", weights, weights)
    assert certified(VllmEngine(engine, MODEL, weights), reference, prompts) == []


def test_it_answers_as_the_certificate_of_the_package(engine: Engine, weights: Path) -> None:
    golden = json.loads((weights.parent / conventions.GOLDEN_FILE).read_text())
    served = VllmEngine(engine, MODEL, weights)
    for each in golden["prompts"]:
        prompt, answer = served.prompt_ids(each["messages"]), tuple(each["answer_ids"])
        assert prompt == tuple(each["prompt_ids"])
        (found,) = served.log_probabilities([TokenRow(prompt, answer)])
        assert numpy.abs(found - numpy.array(each["log_probabilities"])).max() <= golden["tolerance"]
        (chosen,) = served.greedy([prompt], len(answer))
        assert chosen == tuple(token for token in answer if token not in served.stop_ids)


def test_an_adapter_answers_as_it_learned_and_its_base_as_before(
    engine: Engine, weights: Path, adapter: Path, prompts: list[str]
) -> None:
    reference = CausalModel.of_adapter("adapter", weights, adapter / ADAPTER / "adapter", weights)
    assert certified(VllmEngine(engine, ADAPTER, weights), reference, [LEARNED[0], *prompts[:2]]) == []
    answers = {
        name: engine.answer("/v1/chat/completions", model=name, messages=asked(LEARNED[0]))
        for name in (MODEL, ADAPTER)
    }
    texts = {name: answer["choices"][0]["message"]["content"] for name, answer in answers.items()}
    assert texts[ADAPTER] == LEARNED[1]
    assert texts[MODEL] != LEARNED[1]


def test_answers_have_the_form_that_is_asked_for(engine: Engine) -> None:
    choices = ["billing", "repair", "sales"]
    answer = engine.answer(
        "/v1/chat/completions",
        model=MODEL,
        messages=asked("My printer is broken."),
        structured_outputs={"choice": choices},
    )
    assert answer["choices"][0]["message"]["content"] in choices
    schema = {
        "type": "object",
        "properties": {"team": {"enum": choices}},
        "required": ["team"],
        "additionalProperties": False,
    }
    answer = engine.answer(
        "/v1/chat/completions",
        model=MODEL,
        messages=asked("Hi."),
        structured_outputs={"json": schema},
    )
    assert json.loads(answer["choices"][0]["message"]["content"])["team"] in choices


@pytest.mark.parametrize(
    ("path", "document", "status"),
    [
        ("/v1/completions", {"model": MODEL, "prompt": [5] * 200}, 400),
        ("/v1/completions", {"model": "another", "prompt": "a"}, 404),
        ("/v1/load_lora_adapter", {"lora_name": "mine", "lora_path": "/mine"}, 404),
        ("/v1/chat/completions", {"model": MODEL, "messages": "none"}, 400),
    ],
)
def test_what_it_does_not_take_is_refused(
    engine: Engine, path: str, document: dict[str, Any], status: int
) -> None:
    assert engine.post(path, **document).status_code == status


def test_a_full_queue_refuses_and_says_so(engine: Engine) -> None:
    before = engine.metrics().get("vllm:admission_rejections_total", 0.0)
    long = {"model": MODEL, "prompt": [5] * 8, "max_tokens": 80, "ignore_eos": True, "temperature": 1.0}
    with ThreadPoolExecutor(24) as pool:
        answers = [pool.submit(engine.post, "/v1/completions", **long) for _ in range(24)]
        codes = sorted(each.result().status_code for each in answers)
    assert codes[0] == 200
    assert codes[-1] in (429, 503)
    assert set(codes) <= {200, 429, 503}
    assert engine.metrics()["vllm:admission_rejections_total"] > before
    wait_until(lambda: is_idle(engine))


def is_idle(engine: Engine) -> bool:
    found = engine.metrics()
    return found["vllm:num_requests_running"] == 0 and found["vllm:num_requests_waiting"] == 0


def test_a_caller_that_goes_in_the_middle_leaves_nothing_behind(engine: Engine) -> None:
    document = {
        "model": MODEL, "prompt": [5] * 8, "max_tokens": 80, "ignore_eos": True, "stream": True,
    }  # fmt: skip
    for _ in range(2 * CONCURRENT):
        with httpx.stream("POST", f"{engine.address}/v1/completions", json=document, timeout=60) as response:
            assert next(events(response))["choices"]
    wait_until(lambda: is_idle(engine))
    assert engine.metrics()["vllm:kv_cache_usage_perc"] == 0


def test_all_series_that_manifests_read_are_there(engine: Engine, pipeline: Pipeline) -> None:
    engine.answer("/v1/completions", model=MODEL, prompt="a", max_tokens=2)
    text = engine.get(conventions.METRICS_PATH).text
    there = set(re.findall(r"^(vllm:\w+)", text, re.MULTILINE))
    files = render.render_all({pipeline.name: pipeline})
    read = {name for content in files.values() for name in re.findall(r"vllm:\w+", content.decode())}
    assert read
    assert read - there == set()


#: How much faster than in production time goes by.
TIMES = 60


@pytest.fixture
def watched(engine: Engine, pipeline: Pipeline, tmp_path: Path) -> Iterator[Prometheus]:
    """A real Prometheus that scrapes the engine as its PodMonitor has it, and follows its alerts."""
    files = render.render_all({pipeline.name: pipeline})
    folder = f"{MODEL}/overlays/{ENVIRONMENT}/alerts.yaml"
    objects = {
        each["kind"]: each
        for path in (f"{MODEL}/base/server.yaml", folder)
        for each in yaml.safe_load_all(files[path])
    }
    # What kustomize adds.
    for each in (objects["PodMonitor"], objects["Deployment"]):
        each["metadata"]["namespace"] = pipeline.settings.namespace_of(ENVIRONMENT)
    rules = tmp_path / "rules.yaml"
    rules.write_text(json.dumps(faster_rules(objects["PrometheusRule"]["spec"], TIMES)))
    pods = [Pod(f"{MODEL}-5d4f8c7b9-x2x7k", engine.address.removeprefix("http://"))]
    period = faster("30s", TIMES)
    configuration = {
        "global": {"scrape_interval": period, "scrape_timeout": period, "evaluation_interval": period},
        "scrape_configs": [scrape_config(objects["PodMonitor"], objects["Deployment"], pods, TIMES)],
    }
    with prometheus.running(tmp_path, configuration, faster("5m", TIMES)) as found:
        wait_until(lambda: len(found.query("up == 1")) == 1)
        found.follow(rules)
        yield found


@pytest.mark.skipif(prometheus.PROGRAM is None, reason="no prometheus: `scripts.cluster build --all`")
def test_requests_that_are_refused_raise_the_alert_that_says_so(engine: Engine, watched: Prometheus) -> None:
    def fires() -> bool:
        return any(name == "ModelRefusing" for name, _, _ in watched.fired())

    long = {"model": MODEL, "prompt": [5] * 8, "max_tokens": 80, "ignore_eos": True, "temperature": 1.0}
    engine.answer("/v1/completions", model=MODEL, prompt="a", max_tokens=2)
    time.sleep(60 * 5 / TIMES)
    assert watched.fired() == set()
    until = time.monotonic() + 120
    with ThreadPoolExecutor(24) as pool:
        while not fires() and time.monotonic() < until:
            for each in [pool.submit(engine.post, "/v1/completions", **long) for _ in range(24)]:
                each.result()
    assert fires()
    said = next(each for each in watched.alerts() if each["labels"]["alertname"] == "ModelRefusing")
    assert said["labels"]["environment"] == ENVIRONMENT
    assert "limits.concurrency" in said["annotations"]["description"]
    wait_until(lambda: is_idle(engine))


def test_weights_of_8_bits_are_served_as_they_were_measured(
    artifacts: Path, weights: Path, prompts: list[str], tmp_path: Path
) -> None:
    package = tmp_path / "package"
    write_compressed(weights, "w8a8", artifacts / "features/train_x.npy", package / "weights")
    quantized = SERVING.partition("  adapters")[0] + "quantize: {scheme: w8a8}\n"
    command, variables = vllm.command(_compiled(quantized), ENVIRONMENT)
    assert command[command.index("--dtype") + 1] == "bfloat16"
    reference = CausalModel.of_weights("weights in 8 bits", package / "weights", package / "weights")
    paths = {conventions.IMAGE_PACKAGE_FOLDER: package}
    with running(command, variables, paths, tmp_path) as served:
        assert certified(VllmEngine(served, MODEL, package / "weights"), reference, prompts, near=0.1) == []


def test_it_ends_what_it_has_begun_and_then_itself(engine: Engine) -> None:
    """The last of these tests, for behind it there is no engine."""
    document = {
        "model": MODEL, "prompt": [5] * 8, "max_tokens": 80, "ignore_eos": True, "stream": True,
    }  # fmt: skip
    with httpx.stream("POST", f"{engine.address}/v1/completions", json=document, timeout=60) as response:
        lines = events(response)
        next(lines)
        engine.stop()
        last = list(lines)[-1]
    assert last["choices"][0]["finish_reason"] == "length"
    began = time.monotonic()
    wait_until(lambda: engine.process.poll() is not None)
    assert engine.process.returncode == 0
    assert time.monotonic() - began < 60
