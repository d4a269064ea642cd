"""The models of a shared server: loaded, replaced and unloaded while it serves.

One that cannot be loaded takes no other with it. Where a new version cannot, the one before it serves on.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.runtime.server.access.gate import gate_of
from aimass_compiler.runtime.server.execution import usual_threads
from aimass_compiler.runtime.server.model_service import ModelService
from aimass_compiler.runtime.server.package import read_package
from aimass_compiler.runtime.server.response import ServerFailure
from aimass_compiler.runtime.server.shared.entries import EntryFile, ModelEntry, entry_files, read_entry
from aimass_compiler.runtime.server.turns import FairThreads, Sharing

if TYPE_CHECKING:
    from aimass_compiler.runtime.server.log import EventLog
    from aimass_compiler.runtime.server.model_service import ServerState
    from aimass_compiler.runtime.server.settings import ServerSettings

_LOOK_SECONDS = 0.5
#: How long after the folder was last changed its files are looked at each time, because its time is coarse;
#: and how often they are at least.
_UNSETTLED_SECONDS, _LONGEST_SECONDS = 2.0, 30.0
#: What could not be loaded is tried again, for what is not the package's fault.
_AGAIN_SECONDS = 30.0
#: How long one model may keep the event loop before others have their turn.
_TURN_SECONDS = 0.005
#: What a model takes at least, and what as a multiple of its files, until it is known.
_LEAST_BYTES, _BYTES_OF_FILES = 1 << 20, 3
#: Characters of what went wrong that are kept.
_LONGEST = 500


class ListedModel:
    """One model that the server is to serve, and how far that is."""

    def __init__(self, file: EntryFile) -> None:
        self.file = file
        self.served: ModelService | None = None
        """What answers; of an earlier version where the newest cannot be loaded."""
        self.hosts: tuple[str, ...] = ()
        self.problem = "it is being loaded"
        """Why what the file says is not what is served; empty where it is."""
        self.is_guarded = False
        """Whether only its callers may look at it."""
        self.bytes = 0
        """About how much memory it takes: how much more the process had behind loading it."""
        self.tried = 0.0


class ModelTable:
    """All models that a server is to serve, as the files of a folder say."""

    def __init__(
        self, folder: Path, settings: ServerSettings, log: EventLog, server: ServerState, memory_bytes: int
    ) -> None:
        """Load nothing yet; with `memory_bytes`, never more than the process may then have.

        Raises ServerFailure where there is no such folder.
        """
        if not folder.is_dir():
            raise ServerFailure(ExitCode.PACKAGE, f"{folder} is no folder that lists models")
        self._folder, self._settings, self._log, self._server = folder, settings, log, server
        self._memory_bytes = memory_bytes
        self._threads = FairThreads(usual_threads())
        self._sharing = Sharing(self._threads, _TURN_SECONDS)
        self._watching: asyncio.Task[None] | None = None
        self._leaving: list[ModelService] = []
        self._files: dict[str, EntryFile] = {}
        self._changed_ns, self._changed, self._listed = 0, 0.0, 0.0
        self.listed: dict[str, ListedModel] = {}
        self.by_host: dict[str, str] = {}
        """The model of each host that leads to one."""

    def served(self, model: str) -> ModelService | None:
        """What answers for a model, if it is loaded."""
        found = self.listed.get(model)
        return None if found is None else found.served

    def load_all(self) -> None:
        """Try every model that is listed now."""
        for name, file in entry_files(self._folder).items():
            self.listed[name] = ListedModel(file)
        for name in self.listed:
            self._keep(name, self._loaded(name))

    def watch(self) -> None:
        """Begin to follow the folder; the event loop runs."""
        self._watching = asyncio.get_running_loop().create_task(self._follow())

    def close(self) -> None:
        """Let no thread keep the process from ending, and count what was answered last."""
        for model in (*self._leaving, *(found.served for found in self.listed.values())):
            if model is not None:
                model.close()
        self._threads.close()

    async def _follow(self) -> None:
        while True:
            try:
                await self._compare()
            except Exception as error:  # noqa: BLE001  # whatever it is, the next look may be better
                self._log.event("failure", {"error": f"{type(error).__name__}: {error}"}, "error")
            await asyncio.sleep(_LOOK_SECONDS)

    async def _compare(self) -> None:
        """Bring what is served in step with the files."""
        files = await self._entry_files()
        for name in self.listed.keys() - files.keys():
            self._unload(name)
        now = time.monotonic()
        for name, file in files.items():
            found = self.listed.setdefault(name, ListedModel(file))
            is_due = bool(found.problem) and now - found.tried >= _AGAIN_SECONDS
            if found.file == file and found.tried and not is_due:
                continue
            found.file = file
            self._keep(name, await asyncio.to_thread(self._loaded, name))
        self._let_go()

    async def _entry_files(self) -> dict[str, EntryFile]:
        """The files, which are only looked at where the folder has changed: hundreds of them take a while."""
        now, changed_ns = time.monotonic(), self._folder.stat().st_mtime_ns
        if changed_ns != self._changed_ns:
            self._changed_ns, self._changed = changed_ns, now
        if now - self._changed < _UNSETTLED_SECONDS or now - self._listed > _LONGEST_SECONDS:
            self._files, self._listed = await asyncio.to_thread(entry_files, self._folder), now
        return self._files

    def _loaded(self, name: str) -> tuple[ModelEntry, ModelService] | str:
        """The model as its file says, or why it cannot be loaded; runs on a thread while others serve."""
        found = self.listed[name]
        started, before = time.monotonic(), resident_bytes()
        found.tried = started
        try:
            entry = read_entry(found.file)
            self._require_room(entry, before)
            model = self._read(entry)
        except ServerFailure as failure:
            return failure.message
        except Exception as error:  # noqa: BLE001  # whatever it is, it is this model's alone
            return f"{type(error).__name__}: {error}"
        found.bytes = max(0, resident_bytes() - before)
        seconds = round(time.monotonic() - started, 3)
        told = {"model": name, "version": model.signature.version, "seconds": seconds, "bytes": found.bytes}
        self._log.event("model loaded", told)
        return entry, model

    def _read(self, entry: ModelEntry) -> ModelService:
        settings = entry.settings(self._settings)
        self.listed[entry.model].is_guarded = settings.access is not None
        package = read_package(entry.package)
        if package.signature.model != entry.model:
            message = f"{entry.package} is the package of `{package.signature.model}`, not of `{entry.model}`"
            raise ServerFailure(ExitCode.PACKAGE, message)
        before = self.served(entry.model)
        gate = gate_of(settings, self._log, None if before is None else before.gate)
        return ModelService(package, settings, self._log, self._server, self._sharing, gate)

    def _require_room(self, entry: ModelEntry, resident: int) -> None:
        """Raise ServerFailure where there is no memory for one more."""
        if not self._memory_bytes:
            return
        files = sum(path.stat().st_size for path in entry.package.glob("*") if path.is_file())
        need = max(_LEAST_BYTES, _BYTES_OF_FILES * files)
        if resident + need > self._memory_bytes:
            message = (
                f"there is no room for about {need >> 20} MiB: the process has {resident >> 20} MiB "
                f"of the {self._memory_bytes >> 20} MiB that it may have"
            )
            raise ServerFailure(ExitCode.PACKAGE, message)

    def _keep(self, name: str, outcome: tuple[ModelEntry, ModelService] | str) -> None:
        """Let a model answer from now on, or note why it does not."""
        found = self.listed[name]
        if isinstance(outcome, str):
            is_new = found.problem != outcome[:_LONGEST]
            found.problem = outcome[:_LONGEST]
            if is_new:
                told = {"model": name, "problem": found.problem, "serves": _version(found.served)}
                self._log.event("model not loaded", told, "error")
            return
        entry, model = outcome
        found.problem = ""
        if found.served is not None:
            self._leaving.append(found.served)
        found.served, found.hosts = model, entry.hosts
        self._name_hosts()

    def _unload(self, name: str) -> None:
        found = self.listed.pop(name)
        if found.served is not None:
            self._leaving.append(found.served)
        self._name_hosts()
        self._log.event("model unloaded", {"model": name, "version": _version(found.served)})

    def _let_go(self) -> None:
        """End the models that are served no more, once the last of their requests is answered."""
        done = [model for model in self._leaving if not model.in_flight]
        if not done:
            return
        for model in done:
            model.close()
        self._leaving = [model for model in self._leaving if model.in_flight]
        del model, done
        give_back_memory()

    def _name_hosts(self) -> None:
        self.by_host = {host: name for name, found in sorted(self.listed.items()) for host in found.hosts}


def _version(model: ModelService | None) -> str:
    return "" if model is None else model.signature.version


def resident_bytes() -> int:
    """How much memory the process has."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):  # not Linux: nothing is known, and nothing refused
        return 0


def give_back_memory() -> None:
    """Give what unloaded models had back to the system, which the C library would keep."""
    gc.collect()
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):  # another C library has no such function
            ctypes.CDLL(None).malloc_trim(0)
