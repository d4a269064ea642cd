"""The servers of this project: of rows, by ONNX Runtime, and of text, by its generation loop."""

from __future__ import annotations

from aimass_compiler import conventions
from aimass_compiler.catalog.artifact import Server

ROWS = Server(
    module="aimass_compiler.runtime.server",
    package_format=conventions.PACKAGE_FORMAT,
    extra="serve",
    modules=(
        "PIL",
        "google.protobuf",
        "grpc",
        "httptools",
        "numpy",
        "onnxruntime",
        "orjson",
        "prometheus_client",
        "uvicorn",
    ),
    pins="runtime/packaging/requirements.txt",
    sources=(
        "__init__.py",
        "access_folder.py",
        "atomic_file.py",
        "conventions.py",
        "drift_methods",
        "exit_codes.py",
        "keyed_hash.py",
        "record_names.py",
        "timestamps.py",
        "version.py",
        "runtime/__init__.py",
        "runtime/server",
    ),
    example="runtime/server/example",
    # What onnxruntime makes models with.
    unused=("onnxruntime/quantization", "onnxruntime/tools", "onnxruntime/transformers"),
)
TEXT = Server(
    module="aimass_compiler.runtime.language_server",
    package_format=conventions.LANGUAGE_PACKAGE_FORMAT,
    extra="serve-llm",
    modules=("httptools", "jinja2", "numpy", "onnxruntime_genai", "orjson", "prometheus_client", "uvicorn"),
    pins="runtime/packaging/language_requirements.txt",
    sources=(*ROWS.sources, "runtime/language_server"),
    example="runtime/language_server/example",
    unused=(*ROWS.unused, "onnxruntime_genai/models"),
)


def server_of(package_format: object) -> Server | None:
    """What serves packages of this format."""
    return next((server for server in (ROWS, TEXT) if server.package_format == package_format), None)
