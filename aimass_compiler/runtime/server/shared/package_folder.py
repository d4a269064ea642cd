"""`python -m aimass_compiler.runtime.server.shared.package_folder FOLDER ACCESS`: keep packages there.

It runs beside the server, with the credentials that the server does not have: what callers reach can ask
neither the cluster nor the registry. In the second folder it keeps who may ask which model.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from aimass_compiler import conventions
from aimass_compiler.runtime.server.log import EventLog
from aimass_compiler.runtime.server.shared.access_copies import AccessCopies, bring_file
from aimass_compiler.runtime.server.shared.cluster import Cluster, ClusterSilent, SharedModel
from aimass_compiler.runtime.server.shared.registry import NotBrought, Registries

if TYPE_CHECKING:
    from collections.abc import Sequence

_LOOK_SECONDS = 3.0
_CREDENTIALS = Path("/var/run/registry/config.json")
_PACKAGES = "packages"
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
#: How long a package stays that nobody lists any more: the server may just be reading it.
_KEPT_SECONDS = 60.0


class PackageFolder:
    """Brings the folder in step with what is listed, as often as it is asked to."""

    def __init__(  # where it keeps what, and whom it asks
        self,
        folder: Path,
        access: Path,
        server: str,
        cluster: Cluster,
        registries: Registries,
        log: EventLog,
    ) -> None:
        """Keep packages in one folder and who may ask in another."""
        self._folder, self._packages = folder, folder / _PACKAGES
        self._server, self._cluster, self._registries, self._log = server, cluster, registries, log
        self._packages.mkdir(exist_ok=True)
        self._access = AccessCopies(access, cluster)
        self._problems: dict[str, str] = {}
        self._unused: dict[str, float] = {}

    def look(self) -> None:
        """Bring what is new and take away what is gone; where the cluster does not answer, all stays."""
        try:
            listed = self._cluster.models(self._server)
        except ClusterSilent as error:
            self._tell("", str(error))
            return
        self._tell("", "")
        known = {each.model: each for each in listed if _NAME.fullmatch(each.model)}
        for each in known.values():
            self._bring(each)
        for path in self._folder.glob("[!.]*.json"):
            if path.stem not in known:
                path.unlink(missing_ok=True)
        self._access.keep({each.model for each in known.values() if each.access is not None})
        self._clear()
        (self._folder / conventions.BROUGHT_FILE).touch()

    def _bring(self, listed: SharedModel) -> None:
        try:
            access = self._access.bring(listed)
        except (ClusterSilent, OSError) as error:
            self._tell(listed.model, str(error))
            return
        try:
            package = self._registries.bring(listed.image, self._packages)
        except NotBrought as error:
            # Where another version is here it stays listed; where none is, the server says that none is.
            self._tell(listed.model, str(error))
            package = self._folder / _PACKAGES / "missing"
            if (self._folder / f"{listed.model}.json").exists():
                return
        else:
            self._tell(listed.model, "")
        document = {
            "format": conventions.SERVED_FORMAT,
            "package": f"{_PACKAGES}/{package.name}",
            "hosts": list(listed.hosts),
            "variables": listed.variables
            | ({} if access is None else {conventions.VARIABLE_ACCESS: str(access)}),
        }
        bring_file(self._folder / f"{listed.model}.json", orjson.dumps(document))

    def _clear(self) -> None:
        """Remove packages that no model has had for a while."""
        used = set()
        for path in self._folder.glob("[!.]*.json"):
            used.add(Path(orjson.loads(path.read_bytes())["package"]).name)
        there = {path.name for path in self._packages.iterdir() if path.is_dir()}
        now = time.monotonic()
        self._unused = {name: self._unused.get(name, now) for name in there - used}
        for name, since in self._unused.items():
            if now - since >= _KEPT_SECONDS:
                shutil.rmtree(self._packages / name, ignore_errors=True)

    def _tell(self, model: str, problem: str) -> None:
        """Log what goes wrong once, and that it is over."""
        before = self._problems.get(model, "")
        if problem == before:
            return
        self._problems[model] = problem
        fields = {"model": model} if model else {"server": self._server}
        if problem:
            self._log.event("not brought", {**fields, "problem": problem}, "error")
        else:
            self._log.event("brought again", fields)


def main(arguments: Sequence[str]) -> int:
    """Look every few seconds until asked to stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    folder, access = map(Path, arguments)
    server = os.environ.get(conventions.VARIABLE_SERVER, "")
    with EventLog() as log:
        bringing = PackageFolder(folder, access, server, Cluster(), Registries(_CREDENTIALS), log)
        while True:
            bringing.look()
            time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
