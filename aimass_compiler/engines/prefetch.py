"""Blocks that are made while those before them are used: polars, NumPy and disks work beside Python."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def prefetched(items: Iterator[T]) -> Iterator[T]:
    """The same items in their order; a thread makes the next one meanwhile, so two are held at a time."""
    with ThreadPoolExecutor(1) as pool:
        following = pool.submit(_next, items)
        while found := following.result():
            following = pool.submit(_next, items)
            yield found[0]


def _next(items: Iterator[T]) -> tuple[()] | tuple[T]:
    for item in items:
        return (item,)
    return ()
