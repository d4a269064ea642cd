"""Which of many models a request is for, by its path or by the host that it was sent to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aimass_compiler import conventions
from aimass_compiler.runtime.server.application import SERVER_PATHS, Headers, HttpApplication
from aimass_compiler.runtime.server.contract import nearest
from aimass_compiler.runtime.server.model_service import ModelService, document, nothing_at, state_of
from aimass_compiler.runtime.server.request_traces import traces_to
from aimass_compiler.runtime.server.response import RequestError, Response
from aimass_compiler.runtime.server.shared.metrics import SharedMetrics
from aimass_compiler.runtime.server.shared.table import ListedModel, ModelTable

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.settings import ServerSettings

_MODELS = f"{conventions.MODELS_PATH}/"
#: Triton's list of models. Source: its protocol/extension_model_repository.md
_INDEX_PATH = "/v2/repository/index"
_RETRY_SECONDS = 5
#: Characters of a name that are repeated.
_SHOWN = 60


class SharedApplication(HttpApplication):
    """Serves the models that a folder lists."""

    def __init__(self, settings: ServerSettings, log: EventLog, name: str, memory_bytes: int = 0) -> None:
        """Load what is listed now; what cannot be loaded is logged, and others serve."""
        super().__init__(settings, log)
        self.traces = traces_to(settings, {"server": name})
        self.table = ModelTable(settings.package, settings, log, self, memory_bytes)
        self._shared_metrics = SharedMetrics(name, self.connections, log, self.table)
        self.table.load_all()
        served = sum(1 for found in self.table.listed.values() if found.served is not None)
        self.served = {"server": name, "models": str(served)}

    def begin(self) -> None:
        self.table.watch()

    def close(self) -> None:
        self.table.close()
        self._end_exports()

    def _addressed(self, path: str, headers: Headers) -> tuple[ModelService | None, str]:
        name, own_path = self._named(path, headers)
        return self.table.served(name), own_path

    def _named(self, path: str, headers: Headers) -> tuple[str, str]:
        """The name of the model that a request is for, empty where it says none, and the path below it.

        `/v2/models/MODEL/…` says it, and `/MODEL/…`; other paths are of the model whose Service or route the
        request was sent to, as its `Host` says.
        """
        if path.startswith(_MODELS):
            return path[len(_MODELS) :].partition("/")[0], path
        first, slash, rest = path[1:].partition("/")
        if slash and first in self.table.listed:
            return first, f"/{rest}"
        host = headers.get(b"host", b"").partition(b":")[0].decode("latin-1").lower()
        named = self.table.by_host.get(host) or host.partition(".")[0]
        return (named if named in self.table.listed else ""), path

    async def _described(
        self, method: str, path: str, model: ModelService | None, own_path: str, headers: Headers
    ) -> Response:
        # Triton's clients post, with nothing to say.
        asked = "GET" if path == _INDEX_PATH and method == "POST" else method
        return await super()._described(asked, path, model, own_path, headers)

    async def _own(self, path: str) -> Response | None:
        return document(self._index()) if path == _INDEX_PATH else await super()._own(path)

    async def _metrics_text(self) -> bytes:
        return await self._shared_metrics.text()

    def _missing(self, path: str, headers: Headers) -> Response:
        name, own_path = self._named(path, headers)
        found = self.table.listed.get(name)
        if found is not None and found.served is not None:
            return nothing_at(path, found.served.hint(own_path, SERVER_PATHS))
        if found is not None:
            return _not_loaded(name, own_path)
        if path == "/":
            return document({"models": self._index()})
        if path.startswith(_MODELS):
            hint = nearest(name, self.table.listed)
            message = f"no model `{name[:_SHOWN]}` is served here{'; ' if hint else ''}{hint}"
            return RequestError(404, message).answer()
        hint = "this server has several models: say which by the path, /MODEL/predict, or by the host"
        return nothing_at(path, hint)

    def _index(self) -> list[dict[str, Any]]:
        """All models, as Triton lists those of a repository."""
        return [_shown(name, found) for name, found in sorted(self.table.listed.items())]


def _shown(name: str, found: ListedModel) -> dict[str, Any]:
    """One model of the list; of one with callers of its own, no more than that it is there."""
    version = "" if found.served is None else found.served.signature.version
    state = "UNAVAILABLE" if found.served is None else "READY"
    shown = {"name": name, "version": version, "state": state, "reason": found.problem}
    return shown | {"version": "", "reason": ""} if found.is_guarded else shown


def _not_loaded(name: str, own_path: str) -> Response:
    if own_path.endswith("/ready"):
        return state_of({"name": name}, is_ready=False)
    message = f"`{name}` is not loaded here; the server's log says why"
    return RequestError(503, message, retry_after_seconds=_RETRY_SECONDS).answer()
