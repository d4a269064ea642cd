"""A cluster that can be reached: what tests ask of it, by kubectl and a kubeconfig of their choice."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.cluster import custom_resources
from scripts.cluster.control_plane import ControlPlane, kubeconfig

_SECONDS = 120
_PAUSE = 0.2
_ENFORCE = "pod-security.kubernetes.io/enforce"
_WARN = "pod-security.kubernetes.io/warn"


class Refused(Exception):  # noqa: N818  # what kubectl said, not an error of ours
    """Kubectl ended badly; the message is its own."""


@dataclass(frozen=True)
class Cluster:
    """A cluster and who reaches it as its administrator."""

    kubeconfig: Path
    program: Path
    """Kubectl."""
    folder: Path
    """For further kubeconfigs."""

    def kubectl(self, *arguments: str, given: object = None, kubeconfig: Path | None = None) -> str:
        """What kubectl answers; `given` is an object, a list of them or text for its standard input.

        Raises Refused.
        """
        done = self.try_kubectl(*arguments, given=given, kubeconfig=kubeconfig)
        if done.returncode != 0:
            raise Refused(done.stderr.strip() or done.stdout.strip())
        return done.stdout

    def try_kubectl(
        self, *arguments: str, given: object = None, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """The same, with its exit code and its warnings."""
        command = [str(self.program), f"--kubeconfig={kubeconfig or self.kubeconfig}", *arguments]
        text = None if given is None else _as_text(given)
        return subprocess.run(
            command, input=text, capture_output=True, text=True, timeout=_SECONDS, check=False
        )

    def get(self, kind: str, name: str, namespace: str = "default") -> dict[str, Any]:
        """An object. Raises Refused where there is none."""
        found: dict[str, Any] = json.loads(
            self.kubectl("get", kind, name, f"--namespace={namespace}", "-ojson")
        )
        return found

    def objects(self, kind: str, namespace: str = "default", selector: str = "") -> list[dict[str, Any]]:
        """Objects of a kind, or of several with commas between them."""
        chosen = [f"--selector={selector}"] if selector else []
        answer = self.kubectl("get", kind, f"--namespace={namespace}", "-ojson", *chosen)
        found: list[dict[str, Any]] = json.loads(answer)["items"]
        return found

    def namespaces(
        self, *names: str, level: str = "restricted", labels: Mapping[str, str] | None = None
    ) -> None:
        """Create namespaces that enforce a level of Pod Security and warn of it, too."""
        security = {_ENFORCE: level, _WARN: level}
        self.apply(
            {
                "apiVersion": "v1",
                "kind": "Namespace",
                "metadata": {"name": name, "labels": {**security, **(labels or {})}},
            }
            for name in names
        )

    def apply(self, objects: Iterable[object]) -> None:
        """Server-side apply as somebody else than the compiler. Raises Refused."""
        self.kubectl("apply", "--server-side", "--field-manager=tests", "-f-", given=list(objects))

    def create_custom_resource_definitions(self, *kinds: str) -> None:
        """Let the cluster know these of the kinds that are rendered, or all of them."""
        self.define(custom_resources.rendered(kinds or tuple(custom_resources.RENDERED)))

    def define(self, files: Iterable[Path]) -> None:
        """Apply files of custom resource definitions side by side, and wait until they are served."""
        listed = list(files)
        if not listed:
            return
        apply = ("apply", "--server-side", "--force-conflicts", "--field-manager=tests")
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda file: self.kubectl(*apply, f"-f{file}", "-oname"), listed))
        names = [name.partition("/")[2] for answer in answers for name in answer.split()]
        end = time.monotonic() + _SECONDS
        # `kubectl wait` breaks off where a definition has no conditions yet.
        while not self._are_served(names):
            if time.monotonic() > end:
                raise Refused(f"not served after {_SECONDS} s: one of {', '.join(names)}")
            time.sleep(_PAUSE)

    def _are_served(self, definitions: list[str]) -> bool:
        answer = self.kubectl("get", "customresourcedefinitions", "-ojson", *definitions)
        told = json.loads(answer)
        return all(_is_served(definition) for definition in told.get("items", [told]))

    def token_of(self, account: str, seconds: int = 3600) -> str:
        """A token of a service account, NAMESPACE/NAME, which is created where it is missing."""
        namespace, _, name = account.partition("/")
        metadata = {"name": name, "namespace": namespace}
        if self.try_kubectl("get", "serviceaccount", name, f"--namespace={namespace}").returncode != 0:
            self.apply([{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}])
        where = (f"--namespace={namespace}", f"--duration={seconds}s")
        return self.kubectl("create", "token", name, *where).strip()

    def kubeconfig_for(self, account: str = "", *, token: str = "", namespace: str = "") -> Path:
        """A kubeconfig of a service account, NAMESPACE/NAME, or of whoever holds a token."""
        place = namespace or account.partition("/")[0] or "default"
        written = json.dumps(kubeconfig(self._address(), token or self.token_of(account), place))
        path = self.folder / f"kubeconfig-{abs(hash(written)):x}"
        path.touch(mode=0o600)
        path.write_text(written, encoding="utf-8")
        return path

    def _address(self) -> dict[str, str]:
        view = ("config", "view", "--raw", "--minify", "--flatten", "-ojson")
        (found,) = json.loads(self.kubectl(*view))["clusters"]
        cluster: dict[str, str] = found["cluster"]
        return cluster


@dataclass(frozen=True)
class OwnCluster(Cluster):
    """A cluster that one test may break."""

    plane: ControlPlane
    """Its programs, each to be stopped, killed, paused and started again."""


def _is_served(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any((told["type"], told["status"]) == ("Established", "True") for told in conditions)


def _as_text(given: object) -> str:
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": given})
    return json.dumps(given)
