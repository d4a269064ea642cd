"""Kubectl by subprocess: a command in a pod, with files as its input and output."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from aimass_compiler.diagnostics import HintedError

_HINT = "install kubectl: https://kubernetes.io/docs/tasks/tools/"


class KubectlError(HintedError):
    """Kubectl is missing, or could not do it; the message says why."""


@dataclass(frozen=True)
class Kubectl:
    """A program that reaches one cluster as we do."""

    command: tuple[str, ...]

    def execute(
        self,
        namespace: str,
        pod: str,
        command: Sequence[str],
        *,
        given: Path | None = None,
        answer: Path | None = None,
    ) -> None:
        """Run a command in the only container of a pod; its input and output are whole files.

        Raises KubectlError. Source: https://kubernetes.io/docs/reference/kubectl/generated/kubectl_exec/
        """
        stdin = ["--stdin"] if given else []
        words = [*self.command, "exec", f"--namespace={namespace}", *stdin, pod, "--", *command]
        nowhere = Path(os.devnull)
        with (
            (given or nowhere).open("rb") as source,
            (answer or nowhere).open("wb") as to,
        ):
            done = subprocess.run(  # noqa: S603  # a list of arguments, never a shell
                words, stdin=source, stdout=to, stderr=subprocess.PIPE, check=False
            )
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip()
            raise KubectlError(f"`{' '.join(command)}` failed in pod {pod}: {said or 'it does not say why'}")


def find(kubeconfig: Path | None, context: str | None) -> Kubectl:
    """Kubectl for the cluster of a kubeconfig's context. Raises KubectlError where it is not installed."""
    path = shutil.which("kubectl")
    if path is None:
        raise KubectlError("`kubectl` is not on the PATH", _HINT)
    options = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []
    options += [f"--context={context}"] if context else []
    return Kubectl((path, *options))
