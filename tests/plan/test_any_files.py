"""Whatever is produced: written once, nothing is left to do; written after anything else, it is there."""

from __future__ import annotations

import pathlib
import tempfile

from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.plan import Action, compare, snapshot, update
from tests.examples import at_most

NAMES = st.text("abcAé. -", min_size=1, max_size=4)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
FILES = st.dictionaries(PATHS, st.binary(max_size=20), max_size=6)


@at_most(60)
@given(st.lists(FILES, min_size=1, max_size=3))
def test_writing_converges(runs: list[dict[str, bytes]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for files in runs:
            first, problems = update(files, folder, prune_models=True)
            again = compare(files, snapshot(folder, files), prune_models=True)
            if problems:
                assert again.findings == first.findings
                continue
            assert all(change.action is Action.UNCHANGED for change in again.changes)
            for path, content in files.items():
                assert (folder / path).read_bytes() == content


@at_most(200)
@given(st.dictionaries(st.text(), st.binary(max_size=3), max_size=4))
def test_no_path_leads_out_or_raises(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "generated"
        update(files, folder)
        assert [entry.name for entry in pathlib.Path(name).iterdir()] == ["generated"]
