"""`make secure`: every scanner over everything that is generated, as a table; any finding fails.

python -m tests.secure.run
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # where the tests' packages are

from secure.everything import write_everything
from secure.programs import kustomize, missing, program
from secure.scanners import SCANNERS, Report, idle, version


def main() -> int:
    """Print the table, then every finding and every waiver that accepts nothing; answers an exit code."""
    builder = kustomize()
    absent = [missing(name) for name in dict.fromkeys(name for name, _, _ in SCANNERS) if not program(name)]
    if isinstance(builder, str):
        absent.append(builder)
    if isinstance(builder, str) or absent:
        print("\n".join(absent), file=sys.stderr)
        return 1
    reports = {}
    print(f"{'scanner':<12} {'version':<10} {'of':<12} {'files':>5} {'findings':>8} {'accepted':>8} {'s':>5}")
    with tempfile.TemporaryDirectory() as folder:
        everything = write_everything(Path(folder), builder)
        for name, subject, scan in SCANNERS:
            start = time.monotonic()
            report = reports[name, subject] = scan(everything)
            counts = (report.files, len(report.findings), len(report.accepted), time.monotonic() - start)
            row = "{:>5} {:>8} {:>8} {:>5.0f}".format(*counts)
            print(f"{name:<12} {version(name):<10} {subject:<12} {row}", flush=True)
    return _told(
        list(reports.values()), [waiver.code for waiver in idle(everything.waivers, reports.values())]
    )


def _told(reports: list[Report], idle_codes: list[str]) -> int:
    for found in (found for report in reports for found in report.findings):
        print(f"{found.rule}  {found.where}\n    {found.told}")
    for code in idle_codes:
        print(f"{code}  is accepted, and nothing finds it: remove the waiver")
    return 1 if idle_codes or any(report.findings for report in reports) else 0


if __name__ == "__main__":
    sys.exit(main())
