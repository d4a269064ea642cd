"""What an operator may set: flags of the command line, and behind them environment variables."""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from aimass_compiler import conventions, drift_methods, record_names
from aimass_compiler.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


#: Variables that manifests leave alone.
_PATIENCE = "AIMASS_PATIENCE_SECONDS"
_CONNECTIONS = "AIMASS_CONNECTIONS"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How one server process behaves; every value has a flag of the same name."""

    package: Path
    host: str = "127.0.0.1"
    port: int = conventions.PORT
    concurrency: int = 64
    """How many of the largest bodies there is room for while they arrive."""
    timeout_seconds: float = 2.0
    """How long one prediction may take, its body's arrival included."""
    body_bytes: int = 1 << 20
    prediction_sample: float = 0.0
    """The share of requests of which there are records of what was asked and answered."""
    record_folder: Path | None = None
    """Where records are written, for a collector; None writes them into the log."""
    record_bytes: int = 96 << 20
    """How much the folder may hold; the oldest files make room."""
    hidden_columns: Mapping[str, str] = field(default_factory=dict)
    """Columns of personal data and how records have them, beside those that the package says."""
    record_key: str = field(default="", repr=False)
    """What personal values are hashed with; without it they are left out."""
    namespace: str = record_names.LOCAL_NAMESPACE
    """Where this server runs, as records say it."""
    explained_rows: int = 10
    """How many rows one request may have explained, where the package can; 0 explains none."""
    drift_window_seconds: float = 3600.0
    drift_method: str = drift_methods.USUAL
    """How the distance of the window from training is measured."""
    drain_seconds: float = 20.0
    """How long after SIGTERM the server is gone, whatever callers do."""
    stay_seconds: float = conventions.STAY_SECONDS
    """How long after SIGTERM it goes on answering at least, so that callers learn to go elsewhere."""
    patience_seconds: float = 10.0
    """How long a caller may take for a request's headers, or take nothing of its answer."""
    connections: int = 10_000
    """Connections at once; fewer where the process may not have as many descriptors."""
    access_log: float = 1.0
    """The share of requests that are logged; those that failed on our side always are, unless it is 0."""
    threads: int = 1
    """Threads that onnxruntime uses inside one prediction."""
    grpc_port: int | None = None
    """Where gRPC is answered, if it is."""
    workers: int = 1
    """Processes that answer, side by side."""
    traces_endpoint: str = ""
    """The collector that spans are exported to; empty exports none."""
    traces_sample: float = 0.1
    """The share of requests that are traced, beside those whose callers say it."""
    access: Path | None = None
    """The folder that says who may ask; without it, who reaches the server may."""

    def share(self, workers: int) -> ServerSettings:
        """The settings of one of so many workers, which keep the limits together."""
        each = {name: -(-getattr(self, name) // workers) for name in ("concurrency", "connections")}
        return replace(self, **each)


@dataclass(frozen=True, slots=True)
class Flag:
    """One setting: a flag, and the variable behind it."""

    name: str
    variable: str
    """Empty where only the command line decides."""
    default: str
    read: Callable[[str], Any]
    help: str


def whole(low: int, high: int, name: str) -> Callable[[str], int]:
    """Reads a whole number within these ends."""

    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(
                f"{name} must be a whole number from {low} to {high}, not `{text}`"
            )
        return int(text)

    return read


def number(low: float, high: float, name: str) -> Callable[[str], float]:
    """Reads a number within these ends."""

    def read(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = float("nan")
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(
                f"{name} must be a number from {low:g} to {high:g}, not `{text}`"
            )
        return value

    return read


def one_of(names: Sequence[str], name: str) -> Callable[[str], str]:
    """Reads one of these words."""

    def read(text: str) -> str:
        if text not in names:
            raise argparse.ArgumentTypeError(f"{name} must be {' or '.join(names)}, not `{text}`")
        return text

    return read


_OFF = "off"


def optional_port(text: str) -> int | None:
    """A port, or None for `off`."""
    return None if text == _OFF else whole(0, 65535, "--grpc-port")(text)


def columns(text: str) -> dict[str, str]:
    """Reads a JSON object of texts."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(value, str) for value in found.values()):
        example = '`{"email": "omit"}`'
        raise argparse.ArgumentTypeError(f"`{text}` is no JSON object of columns, such as {example}")
    return found


FLAGS = (
    # A container's network is its boundary: inside one, only an address that others reach is of use.
    Flag("host", "", "0.0.0.0", str, "the address to listen on"),  # noqa: S104  # as said above
    Flag("port", "", str(conventions.PORT), whole(0, 65535, "--port"), "the port; 0 takes a free one"),
    Flag(
        "concurrency",
        conventions.VARIABLE_CONCURRENCY,
        "64",
        whole(1, 100_000, conventions.VARIABLE_CONCURRENCY),
        "how many of the largest bodies there is room for",
    ),
    Flag(
        "timeout-seconds",
        conventions.VARIABLE_TIMEOUT_SECONDS,
        "2",
        number(0.001, 3600, conventions.VARIABLE_TIMEOUT_SECONDS),
        "how long one prediction may take",
    ),
    Flag(
        "body-bytes",
        conventions.VARIABLE_BODY_BYTES,
        str(1 << 20),
        whole(1, 1 << 31, conventions.VARIABLE_BODY_BYTES),
        "the largest request body; a larger one is answered 413",
    ),
    Flag(
        "prediction-sample",
        conventions.VARIABLE_PREDICTION_SAMPLE,
        "0",
        number(0, 1, conventions.VARIABLE_PREDICTION_SAMPLE),
        "the share of requests of which there are records of what was asked and answered",
    ),
    Flag(
        "record-folder",
        record_names.VARIABLE_RECORD_FOLDER,
        "",
        lambda text: Path(text) if text else None,
        "where records are written, for a collector; by default into the log",
    ),
    Flag(
        "record-bytes",
        record_names.VARIABLE_RECORD_BYTES,
        str(96 << 20),
        whole(1 << 16, 1 << 40, record_names.VARIABLE_RECORD_BYTES),
        "how much the folder may hold; the oldest files make room",
    ),
    Flag(
        "namespace",
        record_names.VARIABLE_NAMESPACE,
        record_names.LOCAL_NAMESPACE,
        str,
        "where it runs, as records say it",
    ),
    Flag(
        "hidden-columns",
        conventions.VARIABLE_HIDDEN_COLUMNS,
        "{}",
        columns,
        "JSON: columns that records have as a `hash` or not at all (`omit`), beside those of the package",
    ),
    Flag(
        "explained-rows",
        conventions.VARIABLE_EXPLAINED_ROWS,
        "10",
        whole(0, 1000, conventions.VARIABLE_EXPLAINED_ROWS),
        "how many rows one request may have explained; 0 is off",
    ),
    Flag(
        "drift-window-seconds",
        conventions.VARIABLE_DRIFT_WINDOW_SECONDS,
        "3600",
        number(1, 31_536_000, conventions.VARIABLE_DRIFT_WINDOW_SECONDS),
        "how far back drift looks",
    ),
    Flag(
        "drift-method",
        conventions.VARIABLE_DRIFT_METHOD,
        drift_methods.USUAL,
        one_of(drift_methods.names(), conventions.VARIABLE_DRIFT_METHOD),
        f"how drift is measured: {', '.join(drift_methods.names())}",
    ),
    Flag(
        "drain-seconds",
        conventions.VARIABLE_DRAIN_SECONDS,
        "20",
        number(0, 3600, conventions.VARIABLE_DRAIN_SECONDS),
        "how long after SIGTERM it is gone, whatever callers do",
    ),
    Flag(
        "stay-seconds",
        conventions.VARIABLE_STAY_SECONDS,
        str(conventions.STAY_SECONDS),
        number(0, 3600, conventions.VARIABLE_STAY_SECONDS),
        "how long after SIGTERM it goes on answering at least",
    ),
    Flag(
        "patience-seconds",
        _PATIENCE,
        "10",
        number(0.1, 3600, _PATIENCE),
        "how long a caller may take for a request's headers, or take nothing of its answer",
    ),
    Flag(
        "connections",
        _CONNECTIONS,
        "10000",
        whole(1, 1_000_000, _CONNECTIONS),
        "connections at once",
    ),
    Flag(
        "access-log",
        "",
        "1",
        number(0, 1, "--access-log"),
        "the share of requests that are logged; 0 is off",
    ),
    Flag(
        "traces-endpoint",
        conventions.VARIABLE_TRACES_ENDPOINT,
        "",
        str,
        "the collector that spans are exported to by OTLP over HTTP",
    ),
    Flag(
        "traces-sample",
        conventions.VARIABLE_TRACES_SAMPLE,
        "0.1",
        number(0, 1, conventions.VARIABLE_TRACES_SAMPLE),
        "the share of requests that are traced, beside those whose callers say it",
    ),
    Flag(
        "access",
        conventions.VARIABLE_ACCESS,
        "",
        lambda text: Path(text) if text else None,
        "the folder that says who may ask",
    ),
    Flag("threads", "", "1", whole(1, 256, "--threads"), "threads inside one prediction"),
)
#: Further ones of a server of one package of rows.
OWN_FLAGS = (
    Flag(
        "workers",
        conventions.VARIABLE_WORKERS,
        "1",
        whole(1, 64, conventions.VARIABLE_WORKERS),
        "processes that answer, side by side",
    ),
    Flag(
        "grpc-port",
        conventions.VARIABLE_GRPC_PORT,
        _OFF,
        optional_port,
        "where gRPC is answered beside HTTP; 0 takes a free port",
    ),
)


def parser_of(program: str, content: str) -> argparse.ArgumentParser:
    """A command line that names a package; `content` says what is in its folder."""
    codes = ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
    parser = argparse.ArgumentParser(
        prog=program,
        description="Serve a model's package folder over HTTP.",
        epilog=f"Exit codes: {codes}.",
    )
    parser.add_argument("package", type=Path, help=content)
    return parser


_PROGRAM = "python -m aimass_compiler.runtime.server"
_CONTENT = "the folder with model.onnx, signature.json, reference.json"


def read_settings(
    arguments: Sequence[str] | None, environment: Mapping[str, str] = os.environ
) -> ServerSettings:
    """The settings that flags, then variables, then defaults give; exits 2 with a line about a wrong one."""
    return settings_of(
        ServerSettings, (*FLAGS, *OWN_FLAGS), parser_of(_PROGRAM, _CONTENT), arguments, environment
    )


Settings = TypeVar("Settings", bound=ServerSettings)


def settings_of(
    kind: type[Settings],
    flags: Sequence[Flag],
    parser: argparse.ArgumentParser,
    arguments: Sequence[str] | None,
    environment: Mapping[str, str],
) -> Settings:
    """Settings of this kind, which has a field for each of the flags; exits 2 as `read_settings` does."""
    for flag in flags:
        default = environment.get(flag.variable) or flag.default
        variable = f"; variable {flag.variable}" if flag.variable else ""
        shown = f" (default {flag.default or 'none'}{variable})"
        parser.add_argument(
            f"--{flag.name}",
            type=flag.read,
            default=default,
            metavar="VALUE",
            help=f"{flag.help}{shown}",
        )
    # On a command line every process of the machine could read it.
    secret: dict[str, Any] = {"record_key": environment.get(record_names.VARIABLE_RECORD_KEY, "")}
    return kind(**vars(parser.parse_args(arguments)), **secret)
