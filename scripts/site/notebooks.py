"""Notebooks as pages: their text, their code, and its output when they were last executed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)


def page_of(notebook: str) -> str:
    """The page of a notebook in nbformat 4."""
    cells = json.loads(notebook)["cells"]
    return "\n\n".join(part for cell in cells for part in _parts(cell)) + "\n"


def _parts(cell: dict[str, Any]) -> Iterator[str]:
    source = "".join(cell["source"])
    if cell["cell_type"] == "markdown":
        yield source
        return
    yield f"```python\n{source}\n```"
    for output in cell["outputs"]:
        data = output.get("data", {})
        if output["output_type"] == "stream":
            yield f"```text\n{''.join(output['text']).rstrip()}\n```"
        elif "text/html" in data:
            html = _STYLE.sub("", "".join(data["text/html"]))
            yield "\n".join(line.strip() for line in html.splitlines() if line.strip())
        elif "text/plain" in data:
            yield f"```text\n{''.join(data['text/plain'])}\n```"
