"""`aimass serve` and `aimass predict` on a package: what is started ends with the command."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import tomllib
import urllib.request
from pathlib import Path

import pytest

from aimass_compiler.catalog import servers
from aimass_compiler.catalog.artifact import Server
from server.packages import churn

AIMASS = Path(sys.executable).with_name("aimass")
#: The command line where a module is not installed.
LACKING = """
import sys
from importlib.machinery import PathFinder

class Lacking(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name == "orjson" else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Lacking
from aimass_compiler.cli import main
sys.exit(main())
"""
ROW = {"tenure": 3, "age": 40, "plan": "basic"}


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_command_ends_the_server(tmp_path: Path, end: signal.Signals) -> None:
    package = churn(tmp_path / "churn")
    command = [AIMASS, "serve", package, "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        events = (json.loads(line) for line in process.stdout if line.startswith("{"))
        port = next(event["port"] for event in events if event["event"] == "ready")
        process.send_signal(end)
        assert process.wait(timeout=30) == 0
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/health/live", timeout=5)


def test_a_prediction_starts_a_server_for_itself(tmp_path: Path) -> None:
    package = churn(tmp_path / "churn")
    asked = [AIMASS, "predict", package, "--row", json.dumps(ROW)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)) == {"label", "probabilities"}


def test_a_refused_row_is_told_with_the_servers_own_words(tmp_path: Path) -> None:
    package = churn(tmp_path / "churn")
    asked = [AIMASS, "predict", package, "--row", json.dumps({**ROW, "plan": "gold"})]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "plan" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_that_is_not_there_is_told_in_words(tmp_path: Path) -> None:
    package = churn(tmp_path / "churn")
    asked = [AIMASS, "predict", package, tmp_path / "rows.jsonl"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == f"error: `{tmp_path}/rows.jsonl` cannot be read: No such file or directory\n"


def test_rows_that_are_no_json_are_told_behind_options_too(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("tenure,age,plan\n3,40,basic\n", encoding="utf-8")
    asked = [AIMASS, "predict", churn(tmp_path / "churn"), "--url", "http://127.0.0.1:9", rows]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {rows}, line 1 is not JSON: ")
    assert done.stderr.endswith('help: write one JSON object a line, such as {"age": 40}\n')


@pytest.mark.parametrize("word", ["serve", "predict"])
def test_what_serves_is_not_installed(tmp_path: Path, word: str) -> None:
    package = churn(tmp_path / "churn")
    options = ["--example"] if word == "predict" else []
    asked = [sys.executable, "-c", LACKING, word, package, *options]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "error: orjson is not installed\nhelp: `pip install 'aimass-compiler[serve]'` brings it\n"
    )


@pytest.mark.parametrize("server", [servers.ROWS, servers.TEXT], ids=lambda server: server.extra)
def test_what_serves_is_all_that_the_extra_brings(server: Server) -> None:
    document = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    extra = document["project"]["optional-dependencies"][server.extra]
    modules = {re.split("[>;]", requirement)[0].replace("-", "_") for requirement in extra}
    # Windows goes without uvloop; what exports traces or reads tokens is imported only where there are any.
    later = {"opentelemetry_sdk", "opentelemetry_exporter_otlp_proto_http", "pyjwt[crypto]"}
    names = {"PIL": "pillow", "grpc": "grpcio", "google.protobuf": "protobuf"}
    assert {names.get(name, name) for name in server.modules} == modules - {"uvloop"} - later
