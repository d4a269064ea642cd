"""The compiler needs its five dependencies and nothing else, and gives the same bytes everywhere."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What `pip install aimass-compiler` brings along, by import name.
CORE = (
    "aimass_compiler", "annotated_types", "cronsim", "jinja2", "markupsafe", "msgspec", "pydantic",
    "pydantic_core", "typing_extensions", "typing_inspection", "yaml", "_yaml",
)  # fmt: skip
BLOCKER = f"""
import importlib.abc, sys
class OnlyCore(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = top in sys.stdlib_module_names or top.startswith("_sysconfigdata")
        if not known and top not in {CORE!r}:
            raise ModuleNotFoundError(f"{{name}} is not in the core", name=name)
sys.meta_path.insert(0, OnlyCore())
from aimass_compiler.cli import main
for command in sys.argv[2:]:
    code = main([*command.split(), "--root", sys.argv[1]])
    if code:
        sys.exit(f"aimass {{command}} answers {{code}}")
"""
COMMANDS = (
    "compile --check",
    "schema --check",
    "explain churn",
    "explain --all",
    "plan",
    "check --format sarif",
    "fix --check",
    "fmt --check",
)


def run(code: str, *arguments: str, seed: str = "0") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONHASHSEED": seed}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_the_core_alone_compiles_every_spec() -> None:
    done = run(BLOCKER, str(ROOT), *COMMANDS)
    assert done.returncode == 0, done.stderr


def test_two_hash_seeds_give_the_same_bytes(tmp_path: Path) -> None:
    told = []
    for seed in ("1", "2"):
        root = tmp_path / seed
        shutil.copytree(ROOT / "specs", root / "specs")
        code = "import sys; from aimass_compiler.cli import main; sys.exit(main(sys.argv[1:]))"
        done = run(code, "compile", "--root", str(root), seed=seed)
        assert done.returncode == 0, done.stderr
        files = [path for path in (root / "generated").rglob("*") if path.is_file()]
        told.append({str(path.relative_to(root)): path.read_bytes() for path in files})
    assert told[0] == told[1]


def test_asking_for_help_imports_nothing_that_compiles() -> None:
    code = (
        "import sys; from aimass_compiler.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit: pass\n"
        "heavy = {'pydantic', 'yaml', 'jinja2', 'polars', 'numpy', 'ray', 'torch'} & set(sys.modules)\n"
        "sys.exit(repr(sorted(heavy)) if heavy else 0)"
    )
    done = run(code)
    assert done.returncode == 0, done.stderr


def test_compiling_imports_nothing_that_only_editors_and_people_need(tmp_path: Path) -> None:
    others = (
        "cli.views.explain",
        "cli.views.findings_text",
        "cli.views.plan",
        "cli.views.sarif",
        "language",
        "spec.edits",
    )
    code = (
        "import sys; from aimass_compiler.cli import main\n"
        "code = main(sys.argv[1:])\n"
        f"others = {{f'aimass_compiler.{{name}}' for name in {others!r}}} & set(sys.modules)\n"
        "sys.exit(repr(others) if others else code)"
    )
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/digits.yaml").write_bytes((ROOT / "specs/digits.yaml").read_bytes())
    done = run(code, "compile", "--no-cache", "--root", str(tmp_path))
    assert done.returncode == 0, done.stderr


def test_what_a_compile_imports_defines_hardly_a_dataclass(tmp_path: Path) -> None:
    """Each costs 3 million instructions when Python starts; see docs/decisions/0153."""
    code = (
        "import dataclasses, sys; from aimass_compiler.cli import main; main(sys.argv[1:])\n"
        "ours = {f'{name}.{found.__name__}' for name, module in sys.modules.items()\n"
        "    if name.startswith('aimass_compiler.') for found in vars(module).values()\n"
        "    if dataclasses.is_dataclass(found) and isinstance(found, type) and found.__module__ == name}\n"
        "print(*sorted(ours), sep='\\n', file=sys.stderr)"
    )
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/churn.yaml").write_bytes((ROOT / "specs/churn.yaml").read_bytes())
    done = run(code, "compile", "--root", str(tmp_path))
    assert done.stderr.split() == [
        "aimass_compiler.diagnostics.Finding",
        "aimass_compiler.render.pipeline_json.PipelineJson",
        "aimass_compiler.render.training.cluster.TrainingRun",
        "aimass_compiler.spec.yaml.document.Document",
    ]
