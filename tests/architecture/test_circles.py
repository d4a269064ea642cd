"""No module imports one that imports it back, be it in a function or for its types alone."""

from __future__ import annotations

import itertools
from graphlib import CycleError, TopologicalSorter

import grimp

from aimass_compiler import conventions

PACKAGE = conventions.__name__.partition(".")[0]


def test_no_modules_import_one_another_in_a_circle() -> None:
    graph = grimp.build_graph(PACKAGE, cache_dir=None)
    imported = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert " imports ".join(first_circle(imported)) == ""


def test_a_circle_is_told_in_the_order_of_its_imports() -> None:
    imported = {"rows": {"cells"}, "cells": {"lines"}, "lines": {"rows", "text"}, "text": set()}
    circle = first_circle(imported)
    assert set(circle) == {"rows", "cells", "lines"}
    assert all(below in imported[above] for above, below in itertools.pairwise(circle))


def first_circle(imported: dict[str, set[str]]) -> list[str]:
    """The modules of a circle, the first one again at its end; none where every import leads down."""
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        circle: list[str] = error.args[1]
        return circle[::-1]  # of two that follow one another there, the second imports the first
    return []
