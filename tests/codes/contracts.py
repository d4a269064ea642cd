"""What the examples about shared tables and features tell, brought about."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aimass_compiler.checks import BASE
from aimass_compiler.compile import Upto, compile_specs
from aimass_compiler.diagnostics import Finding
from aimass_compiler.project import Project

Situation = Callable[[Path, pytest.MonkeyPatch], list[Finding]]
CONTRACT = """\
apiVersion: v3.1.0
kind: DataContract
id: customers
version: 1.0.0
schema:
  - name: customers
    properties:
      - {name: tenure, logicalType: integer, required: true, logicalTypeOptions: {minimum: 0}}
      - {name: address, logicalType: object}
"""
OWN = "    tenure: {type: number, min: 0}\n"
ASKED = BASE.replace(OWN, "").replace("  columns:\n", "  contracts: {customers: [tenure]}\n  columns:\n")
SHARED = BASE.replace("  - one_hot: plan\n", "  - {shared: plans}\n")
FEATURES = "features: [{one_hot: plan}]\n"


def project(root: Path, spec: str = ASKED, contract: str = CONTRACT, features: str = FEATURES) -> Project:
    """A project with one model, a contract `customers` and a list of features `plans`."""
    files = {"specs/churn": spec, "contracts/customers": contract, "features/plans": features}
    for file, text in files.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / f"{file}.yaml").write_text(text)
    return Project(root)


def compiling(**texts: str) -> Situation:
    """The project is compiled with some of its texts replaced."""

    def situation(root: Path, patched: pytest.MonkeyPatch) -> list[Finding]:
        del patched
        found = project(root, **texts)
        return [*compile_specs(found, found.specs(), upto=Upto.CHECK).findings]

    return situation


SITUATIONS: dict[str, tuple[Situation, Situation]] = {
    "AM388": (compiling(spec=BASE, contract=CONTRACT.replace("DataContract", "Model")), compiling()),
    "AM389": (compiling(features="one_hot: plan\n"), compiling()),
    "AM390": (compiling(spec=ASKED.replace("[tenure]", "[tenur]")), compiling()),
    "AM391": (compiling(spec=ASKED.replace("[tenure]", "[tenure, address]")), compiling()),
    "AM392": (compiling(spec=ASKED.replace("  columns:\n", f"  columns:\n{OWN}")), compiling()),
    "AM393": (compiling(spec=SHARED.replace("plans", "plan")), compiling(spec=SHARED)),
}
