"""What is handed to a writer is written in order, up to a bound, and who hands it over never waits."""

from __future__ import annotations

import threading

from aimass_compiler.runtime.server.background_writer import BackgroundWriter


def test_items_are_written_in_order_and_beyond_the_bound_refused() -> None:
    may_write, written = threading.Event(), []

    def write(item: str) -> None:
        assert may_write.wait(30)
        written.append(item)

    writer = BackgroundWriter("test", 10, write)
    assert writer.put("larger than the bound, and alone", 50)
    assert not writer.put("beyond", 1), "what is being written counts, too"
    may_write.set()
    writer.close()
    assert written == ["larger than the bound, and alone"]


def test_the_end_waits_for_all_that_was_taken_but_not_for_ever() -> None:
    may_write, written = threading.Event(), []

    def write(item: int) -> None:
        assert may_write.wait(30)
        written.append(item)

    writer = BackgroundWriter("test", 10, write)
    assert [writer.put(item, 4) for item in range(3)] == [True, True, False]
    writer.close(0.01)
    assert written == []
    may_write.set()
    writer.close()
    assert written == [0, 1]


def test_a_writer_that_was_given_nothing_has_no_thread() -> None:
    before = threading.active_count()
    BackgroundWriter("test", 10, print).close()
    assert threading.active_count() == before
