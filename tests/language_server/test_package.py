"""A package that is not what was certified is never served: which file, what is wrong, exit code 15."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from aimass_compiler import conventions
from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.language_server import __main__ as program
from language_server.asking import packaged, resigned

if TYPE_CHECKING:
    from pathlib import Path


def changed(folder: Path, name: str, **values: Any) -> None:
    path = folder / name
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def golden(folder: Path, **values: Any) -> None:
    path = folder / conventions.GOLDEN_FILE
    document = json.loads(path.read_text())
    document["prompts"][1] |= values
    path.write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: changed(folder, "signature.json", stop_ids=[2]), "ends answers with the tokens [1]"),
        (lambda folder: changed(folder, "signature.json", context=9999), "has a context of 256"),
        (lambda folder: changed(folder, "signature.json", context="x"), "`context` is"),
        (lambda folder: changed(folder, "signature.json", format="x"), "has the format `x`"),
        (
            lambda folder: changed(folder, "signature.json", output={"kind": "song"}),
            "none of text",
        ),
        (lambda folder: changed(folder, "signature.json", adapter_of="base"), "`serving.engine: vllm`"),
        (lambda folder: golden(folder, prompt_ids=[5, 6]), "is read as the tokens"),
        (lambda folder: golden(folder, answer_ids=[5, 6]), "is answered with the tokens"),
        (lambda folder: golden(folder, log_probabilities=[-1.0] * 8), "has a log-probability"),
        (lambda folder: golden(folder, messages=7), "does not fit"),
        (lambda folder: (folder / "onnx/model.onnx").write_bytes(b"no graph"), "cannot be loaded by"),
        (lambda folder: (folder / "onnx/chat_template.jinja").write_text("{% for %}"), "cannot be read"),
        (lambda folder: (folder / "onnx/chat_template.jinja").write_text("x"), "is read as the tokens"),
        (lambda folder: (folder / "onnx/tokenizer.json").write_text("{}"), "is no tokenizer"),
        (lambda folder: (folder / "onnx/genai_config.json").write_text("[]"), "is no configuration"),
    ],
)
def test_a_package_that_contradicts_itself_is_not_served(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], change: Any, words: str
) -> None:
    package = packaged(tmp_path / "package")
    change(package)
    assert program.main([str(resigned(package)), "--host=127.0.0.1", "--port=0"]) == ExitCode.PACKAGE
    assert words in capfd.readouterr().err


def test_any_file_that_is_not_the_packaged_one_is_named(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package = packaged(tmp_path / "package")
    (package / conventions.MODEL_CARD_FILE).write_text("# tickets")
    names = json.loads((resigned(package) / conventions.MANIFEST_FILE).read_text())["files"]
    assert {"onnx/model.onnx.data", "signature.json", conventions.MODEL_CARD_FILE} < names.keys()
    for name in names:
        whole = (package / name).read_bytes()
        (package / name).write_bytes(bytes([whole[0] ^ 1]) + whole[1:])
        assert program.main([str(package)]) == ExitCode.PACKAGE
        assert f"{name} is not the file that was packaged" in capfd.readouterr().err
        (package / name).write_bytes(whole)


@pytest.mark.parametrize("name", ["onnx/added.json", "added.json", "weights/added.bin"])
def test_a_file_that_the_manifest_does_not_list_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    package = packaged(tmp_path / "package")
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("{}")
    assert program.main([str(package)]) == ExitCode.PACKAGE
    assert f"does not list {name}" in capfd.readouterr().err
