"""How far a run is, told to Kubeflow Trainer, which writes it into the `trainerStatus` of its TrainJob.

Off unless Trainer says where. What keeps it from being told is printed once, and stops nothing of the run.
Source: https://www.kubeflow.org/docs/components/trainer/ (KEP-2779)
"""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from threading import Condition, Thread
from typing import Any

from aimass_compiler.runtime.progress import Progress, finite

_URL = "KUBEFLOW_TRAINER_SERVER_URL"
#: Files, of which the token is written anew every hour.
_AUTHORITY, _TOKEN = "KUBEFLOW_TRAINER_SERVER_CA_CERT", "KUBEFLOW_TRAINER_SERVER_TOKEN"
#: Trainer asks for no more than one in so many seconds.
_SECONDS_BETWEEN = 5.0
_SECONDS_TO_ANSWER = 5.0
_MOST_METRICS = 256
_LONGEST_TEXT = 64


def listener() -> TrainerStatus | None:
    """Who tells Trainer; none where nobody is to be told."""
    url = os.environ.get(_URL, "")
    return TrainerStatus(url) if url.startswith("https://") else None


class TrainerStatus:
    """What was last to be told, and who tells it without keeping the run waiting."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._changed = Condition()
        self._latest: dict[str, Any] | None = None
        self._ends = False
        self._failed = False
        self._thread = Thread(target=self._post_each, daemon=True)
        self._thread.start()

    def report(self, progress: Progress) -> None:
        """That so much of the run is done."""
        metrics = [
            {"name": name[:_LONGEST_TEXT], "value": f"{value:.6g}"}
            for name, value in finite(progress.metrics)
        ]
        status: dict[str, Any] = {
            "progressPercentage": math.floor(progress.percent),
            "metrics": metrics[:_MOST_METRICS],
            "lastUpdatedTime": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        }
        if progress.remaining is not None:
            status["estimatedRemainingSeconds"] = math.ceil(progress.remaining)
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
