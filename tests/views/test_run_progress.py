"""On a terminal a run shows how far it is below its lines, which come as they are."""

from __future__ import annotations

import io
import re

import pytest
from rich.console import Console

from aimass_compiler.cli.views.run_progress import RunProgress, bars, progress_below

LINES = [
    "▸ train: search the ranges and train the model with Ray Tune",
    "  step 2/8  train_loss 1.4  validation_loss 1.25",
    "  step 4/8  train_loss 0.8  validation_loss 0.5",
    "  [bold]not markup[/bold] [/]",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(*lines: str) -> str:
    """All that a terminal is sent, without what moves its cursor and colours it."""
    console = Console(file=(out := io.StringIO()), force_terminal=True, width=100, _environ={})
    with bars(console) as progress:
        stream = RunProgress(progress)
        for line in lines:
            stream.write(f"{line}\n")
        progress.refresh()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())


def test_losses_are_followed_and_lines_stay_as_they_are() -> None:
    text = drawn(*LINES)
    assert all(line in text for line in LINES)
    assert re.search(r"train .* 4/8 .*█▁ validation_loss 0.5", text)


def test_trials_are_followed_by_what_they_reached() -> None:
    assert re.search(r" 3/8 .*roc_auc 0.9\b", drawn("  trial 3/8  roc_auc 0.9  l2=1e-05 depth=3  0.1 s"))


def test_trials_that_end_in_another_order_take_nothing_back() -> None:
    last = drawn("  trial 3/4  roc_auc 0.9", "  trial 2/4  roc_auc 0.8").rstrip().splitlines()[-1]
    assert re.search(r" 3/4 .*roc_auc 0.8", last)


def test_another_stage_begins_from_nothing() -> None:
    last = drawn(*LINES, "▸ evaluate: measure the model").rstrip().splitlines()[-1]
    assert "evaluate" in last
    assert "validation_loss" not in last


@pytest.mark.parametrize(("stream", "is_wanted"), [(io.StringIO(), True), (Terminal(), False)])
def test_where_there_is_no_terminal_lines_go_straight_on(stream: io.StringIO, *, is_wanted: bool) -> None:
    with progress_below(stream, is_wanted=is_wanted) as given:
        assert given is stream


def test_on_a_terminal_that_shows_no_colours_there_is_no_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    stream = Terminal()
    with progress_below(stream, is_wanted=True) as given:
        assert given is stream
