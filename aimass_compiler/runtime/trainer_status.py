"""How far a run is, told to Kubeflow Trainer, which writes it into the `trainerStatus` of its TrainJob.

Off unless Trainer says where. What keeps it from being told is printed once, and stops nothing of the run.
Source: https://www.kubeflow.org/docs/components/trainer/ (KEP-2779)
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from threading import Condition, Thread
from typing import Any

from aimass_compiler.runtime.workspace import Workspace
from aimass_compiler.stages import Stage, artifacts

_URL = "KUBEFLOW_TRAINER_SERVER_URL"
#: Files, of which the token is written anew every hour.
_AUTHORITY, _TOKEN = "KUBEFLOW_TRAINER_SERVER_CA_CERT", "KUBEFLOW_TRAINER_SERVER_TOKEN"
#: Where in a whole run a stage begins, in percent; most of the time goes into training.
_BEGINS = {"prepare": 0, "features": 5, "train": 10, "repeat": 80, "evaluate": 90, "package": 95}
_END = 100
#: Trainer asks for no more than one in so many seconds.
_SECONDS_BETWEEN = 5.0
_SECONDS_TO_ANSWER = 5.0
_MOST_METRICS = 256
_LONGEST_TEXT = 64


@contextmanager
def told(stage: Stage, workspace: Workspace) -> Iterator[None]:
    """Tell that the stage that runs in the block began and, where it measured the model, what came out."""
    telling = _telling()
    if telling is None or stage.name not in _BEGINS:
        yield
        return
    telling.stage = stage.name
    telling.tell(0.0)
    yield
    if stage.name in ("evaluate", "package"):
        telling.tell(1.0, _measured(workspace))
    telling.finish()


def tell(done: int, total: int, metrics: Mapping[str, float | None]) -> None:
    """Tell that so many trials, or steps of one training, are done, with what they reached."""
    telling = _telling()
    if telling is not None and total > 0:
        telling.tell(min(1.0, done / total), metrics)


@cache
def _telling() -> _Telling | None:
    """Of this process; none where nobody is to be told."""
    url = os.environ.get(_URL, "")
    return _Telling(url) if url.startswith("https://") else None


class _Telling:
    """What was last to be told, and who tells it without keeping the run waiting."""

    def __init__(self, url: str) -> None:
        self.stage = ""
        self._url = url
        self._began: float | None = None
        self._changed = Condition()
        self._latest: dict[str, Any] | None = None
        self._ends = False
        self._failed = False
        self._thread = Thread(target=self._post_each, daemon=True)
        self._thread.start()

    def tell(self, share: float, metrics: Mapping[str, float | None] | None = None) -> None:
        """That so much of the stage is done."""
        now = time.monotonic()
        began = self._began = now if share == 0 or self._began is None else self._began
        names = list(_BEGINS)
        begins, following = _BEGINS[self.stage], names[names.index(self.stage) + 1 :]
        ends = _BEGINS[following[0]] if following else _END
        status: dict[str, Any] = {
            "progressPercentage": math.floor(begins + share * (ends - begins)),
            "metrics": list(_shown(metrics or {}))[:_MOST_METRICS],
            "lastUpdatedTime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        if share > 0:
            left = 0.0 if ends == _END and share == 1 else (now - began) * (1 / share - 1)
            status["estimatedRemainingSeconds"] = math.ceil(left)
        with self._changed:
            self._latest = status
            self._changed.notify()

    def finish(self) -> None:
        """Wait until what is to be told was told, but not for long."""
        with self._changed:
            self._ends = True
            self._changed.notify()
        self._thread.join(2 * _SECONDS_TO_ANSWER)

    def _post_each(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._latest is not None or self._ends)
                status, self._latest = self._latest, None
            if status is None:
                return
            self._post(status)
            with self._changed:
                self._changed.wait_for(lambda: self._ends, timeout=_SECONDS_BETWEEN)

    def _post(self, status: Mapping[str, Any]) -> None:
        import ssl
        import urllib.request

        try:
            with open(os.environ[_TOKEN], encoding="utf-8") as file:  # noqa: PTH123  # a path from the environment
                token = file.read().strip()
            headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
            body = json.dumps({"trainerStatus": status}).encode()
            request = urllib.request.Request(self._url, data=body, headers=headers)  # noqa: S310  # https, see above
            trust = ssl.create_default_context(cafile=os.environ.get(_AUTHORITY))
            with urllib.request.urlopen(request, timeout=_SECONDS_TO_ANSWER, context=trust) as answer:  # noqa: S310  # https
                answer.read()
        except Exception as problem:  # noqa: BLE001  # no status stops a run
            if not self._failed:
                print(
                    f"the progress of the run was not reported: {str(problem)[:300]}",
                    file=sys.stderr,
                    flush=True,
                )
            self._failed = True


def _shown(metrics: Mapping[str, float | None]) -> Iterator[dict[str, str]]:
    for name, value in metrics.items():
        if value is not None and math.isfinite(value):
            yield {"name": name[:_LONGEST_TEXT], "value": f"{value:.6g}"}


def _measured(workspace: Workspace) -> dict[str, float]:
    """The metrics on the test split."""
    path = workspace.path(artifacts.METRICS)
    if not path.exists():
        return {}
    found = json.loads(path.read_text(encoding="utf-8")).get("test", {})
    return {name: value for name, value in found.items() if isinstance(value, float | int)}
