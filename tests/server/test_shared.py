"""Many models share a server: each keeps its addresses, limits and metrics, and none does another harm."""

from __future__ import annotations

import json
import shutil
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from harness.issuer import key_of, mounted
from prometheus_client.parser import text_string_to_metric_families

from aimass_compiler import conventions
from aimass_compiler.runtime.server.turns import FairThreads
from server import packages
from server.packages import CHURN_EXAMPLE
from server.serving import Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PRICE_EXAMPLE = {"x0": 1.5, "x1": 1.5, "x2": 1.5}
LOAD_SECONDS = 20


def renamed(package: Path, model: str) -> Path:
    """The same package of another model."""
    path = package / conventions.SIGNATURE_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model": model}))
    return packages.listed(package)


def list_model(folder: Path, package: Path, model: str = "", **more: Any) -> None:
    """Tell the server of a model, as one rename."""
    document = {"format": conventions.SERVED_FORMAT, "package": str(package), **more}
    written = folder / ".new"
    written.write_text(json.dumps(document))
    written.rename(folder / f"{model or package.name}.json")


@contextmanager
def shared(folder: Path, *flags: str) -> Iterator[Server]:
    with serving(folder, *flags, program="server.shared") as server:
        yield server


def until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + LOAD_SECONDS
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)


def version(server: Server, model: str) -> str:
    reply = server.ask("POST", f"/{model}/predict", {"rows": [CHURN_EXAMPLE]})
    return str(reply.json.get("version", reply.status))


@pytest.fixture(scope="module")
def several(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serves two models that are sound, and has three that cannot be."""
    root = tmp_path_factory.mktemp("several")
    folder = root / "models"
    folder.mkdir()
    list_model(
        folder,
        packages.churn(root / "churn"),
        hosts=["callers.example.com"],
        variables={conventions.VARIABLE_BODY_BYTES: "300"},
    )
    list_model(folder, packages.price(root / "price"))
    damaged = renamed(packages.churn(root / "damaged"), "damaged")
    (damaged / conventions.MODEL_FILE).write_bytes(b"no graph")
    list_model(folder, damaged)
    list_model(folder, root / "price", model="another")
    list_model(folder, root / "price", model="mistaken", variables={"AIMASS_THREADS": "7"})
    with shared(folder) as server:
        yield server


@pytest.mark.parametrize(
    ("path", "host"),
    [
        ("/churn/predict", "10.0.0.1:8080"),
        ("/predict", "churn"),
        ("/predict", "churn:8080"),
        ("/predict", "churn.ml-prod.svc.cluster.local:8080"),
        ("/predict", "Callers.example.com"),
    ],
)
def test_a_model_answers_where_it_did_when_it_was_alone(several: Server, path: str, host: str) -> None:
    reply = several.ask("POST", path, {"rows": [CHURN_EXAMPLE]}, {"host": host})
    assert (reply.status, reply.json.get("model")) == (200, "churn")


def test_tensors_are_asked_for_by_the_name_in_the_path(several: Server) -> None:
    tensor = {"name": "numbers", "shape": [1, 3], "datatype": "FP64", "data": [1, 2, 3]}
    reply = several.infer("price", inputs=[tensor])
    assert (reply.status, reply.json["outputs"][0]["data"]) == (200, [6.0])
    assert several.get("/v2/models/price").json["name"] == "price"
    assert several.ask("GET", "/openapi.json", headers={"host": "price"}).json["info"]["title"] == "price"


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v2/models/prise/infer", "no model `prise` is served here; did you mean"),
        ("/predict", "say which by the path"),
        ("/price/predikt", "there is nothing at /price/predikt"),
    ],
)
def test_what_is_not_there_is_404_with_a_way_out(several: Server, path: str, told: str) -> None:
    reply = several.ask("POST", path, {})
    assert reply.status == 404
    assert told in reply.json["error"]


@pytest.mark.parametrize(
    ("model", "problem"),
    [
        ("damaged", "is not the file that was packaged"),
        ("another", "is the package of `price`, not of `another`"),
        ("mistaken", '"AIMASS_THREADS" is no setting of a model'),
    ],
)
def test_a_model_that_cannot_be_loaded_is_seen_and_harms_no_other(
    several: Server, model: str, problem: str
) -> None:
    assert several.metric(conventions.METRIC_MODEL_LOADED, model=model) == 0
    assert several.get(f"/v2/models/{model}/ready").status == 503
    assert several.ask("POST", f"/{model}/predict", {"rows": [PRICE_EXAMPLE]}).status == 503
    (told,) = [each for each in several.events() if each.get("problem") and each["model"] == model]
    assert problem in told["problem"]
    assert several.metric(conventions.METRIC_MODEL_LOADED, model="price") == 1
    assert several.get("/v2/models/price/ready").json == {"name": "price", "ready": True}
    assert several.get(conventions.READY_PATH).status == 200


def test_all_models_are_listed_with_what_is_wrong(several: Server) -> None:
    listed = {each["name"]: each for each in several.ask("POST", "/v2/repository/index", {}).json}
    assert listed == {each["name"]: each for each in several.get("/v2/repository/index").json}
    assert listed["churn"]["state"] == "READY"
    assert listed["damaged"]["state"] == "UNAVAILABLE"
    assert "not the file" in listed["damaged"]["reason"]


def test_limits_are_those_of_each_model(several: Server) -> None:
    rows = {"rows": [CHURN_EXAMPLE] * 10}
    assert several.ask("POST", "/churn/predict", rows).status == 413
    assert several.ask("POST", "/price/predict", {"rows": [PRICE_EXAMPLE] * 10}).status == 200


def test_metrics_are_one_page_with_the_series_of_each_model(several: Server) -> None:
    before = several.metric(conventions.METRIC_ROWS, model="price")
    several.ask("POST", "/price/predict", {"rows": [PRICE_EXAMPLE] * 3})
    assert several.metric(conventions.METRIC_ROWS, model="price") == before + 3
    assert several.metric(conventions.METRIC_CONNECTIONS, model="shared") >= 1
    families = [each.name for each in text_string_to_metric_families(several.get("/metrics").body.decode())]
    assert len(families) == len(set(families))
    (line,) = [each for each in several.events() if each["event"] == "request" and each.get("rows") == 3]
    assert line["model"] == "price"


def test_each_model_has_its_own_callers_whose_quota_outlives_a_release(tmp_path: Path) -> None:
    folder, root = tmp_path / "models", tmp_path
    folder.mkdir()
    daily = [{"unit": "requests", "count": 2}]
    mounted(folder / "access" / "churn", {"shop": {"limits": daily}})
    mounted(folder / "access" / "price", {"desk": {}})
    package, access = packages.churn(root / "churn"), conventions.VARIABLE_ACCESS
    list_model(folder, package, variables={access: "access/churn"})
    list_model(folder, packages.price(root / "price"), variables={access: "access/price"})
    list_model(folder, renamed(packages.churn(root / "open"), "open"))
    list_model(folder, renamed(packages.churn(root / "lost"), "lost"), variables={access: "access/lost"})

    def ask(model: str, caller: str) -> int:
        headers = {"x-api-key": key_of(caller)} if caller else {}
        example = PRICE_EXAMPLE if model == "price" else CHURN_EXAMPLE
        return server.ask("POST", f"/{model}/predict", {"rows": [example]}, headers).status

    with shared(folder) as server:
        asked = [("churn", ""), ("churn", "desk"), ("price", "shop"), ("price", "desk"), ("open", "")]
        assert [ask(*each) for each in asked] == [401, 401, 401, 200, 200]
        assert ask("lost", "shop") == 503, "without its folder nobody knows who may ask"
        assert server.get("/churn/openapi.json").status == 401
        listed = {each["name"]: each for each in server.get("/v2/repository/index").json}
        assert listed["churn"] == {"name": "churn", "version": "", "state": "READY", "reason": ""}
        assert listed["lost"]["reason"] == ""
        assert listed["open"]["version"]
        assert ask("churn", "shop") == 200
        second = shutil.copytree(package, root / "second")
        variables = {access: "access/churn", conventions.VARIABLE_BODY_BYTES: "4000"}
        list_model(folder, second, model="churn", variables=variables)
        until(lambda: sum(each["event"] == "model loaded" for each in server.events()) == 4)
        assert [ask("churn", "shop") for _ in range(2)] == [200, 429]
        assert server.metric(conventions.METRIC_CALLER_REQUESTS, model="churn", outcome="limited") == 1
        assert server.metric(conventions.METRIC_UNKNOWN_CALLERS, model="price", code="401") == 1


def test_models_come_change_and_go_while_others_are_asked(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    first = packages.churn(tmp_path / "churn")
    list_model(folder, first)
    second = shutil.copytree(first, tmp_path / "second")
    other = packages.price(tmp_path / "price")
    failed: list[Any] = []
    is_over = threading.Event()
    with shared(folder) as server:

        def ask() -> None:
            while not is_over.is_set():
                reply = server.ask("POST", "/churn/predict", {"rows": [CHURN_EXAMPLE]})
                failed.extend([] if reply.status == 200 else [reply])

        with ThreadPoolExecutor(2) as asking:
            for _ in range(2):
                asking.submit(ask)
            list_model(folder, other)
            until(lambda: server.get("/v2/models/price/ready").status == 200)
            list_model(folder, second, model="churn", variables={conventions.VARIABLE_BODY_BYTES: "200"})
            until(lambda: server.ask("POST", "/churn/predict", b" " * 250).status == 413)
            (second / conventions.GOLDEN_FILE).write_text("{}")
            list_model(folder, second, model="churn")
            until(lambda: server.metric(conventions.METRIC_MODEL_LOADED, model="churn") == 0)
            (folder / "price.json").unlink()
            until(lambda: server.get("/v2/models/price/ready").status == 404)
            is_over.set()
        assert failed == []
        assert len(version(server, "churn")) == 12, "the version before it serves on"
        (event,) = [each for each in server.events() if each["event"] == "model not loaded"]
        assert event["serves"]
        assert server.stop() == 0


def test_a_slow_model_keeps_no_other_waiting(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    list_model(folder, packages.slow(tmp_path / "slow"), variables={conventions.VARIABLE_CONCURRENCY: "3"})
    list_model(folder, packages.price(tmp_path / "price"))
    rows = [{"count": 200.0}] * 2000

    def one(_: int) -> int:
        return server.ask("POST", "/slow/predict", {"rows": rows}).status

    with shared(folder) as server, ThreadPoolExecutor(6) as asking:
        flood = [asking.submit(one, number) for number in range(6)]
        time.sleep(0.2)
        waited = []
        for _ in range(20):
            began = time.monotonic()
            assert server.ask("POST", "/price/predict", {"rows": [PRICE_EXAMPLE]}).status == 200
            waited.append(time.monotonic() - began)
        statuses = [future.result() for future in flood]
    assert sorted(waited)[10] < 0.2
    assert 503 in statuses, "what is more than a model may have at once is turned away"


def test_a_model_for_which_there_is_no_memory_is_not_loaded(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    list_model(folder, packages.price(tmp_path / "price"))
    with shared(folder, "--memory-bytes", str(8 << 20)) as server:
        assert "there is no room" in server.ask("GET", "/v2/repository/index").json[0]["reason"]
        assert server.get(conventions.READY_PATH).status == 200


def test_threads_take_the_lines_in_turn_and_no_line_has_them_all() -> None:
    threads = FairThreads(2)
    is_going, done = threading.Event(), []
    stuck = [threads.submit("slow", is_going.wait) for _ in range(5)]
    quick = threads.submit("quick", lambda: done.append("quick"))
    quick.result(5)
    assert not any(future.done() for future in stuck)
    threads.submit("quick", lambda: 1 / 0).exception(5)
    threads.cancel("slow")
    is_going.set()
    assert stuck[0].result(5)
    assert all(future.cancelled() for future in stuck[1:])
    threads.close()
