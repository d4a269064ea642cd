"""Rows on a Ray cluster: its workers read and compute, side by side, the blocks that `local` has."""

from __future__ import annotations

import logging
import pickle
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import polars
from msgspec import Struct

from aimass_compiler.engines.local import Computed, Files, Local, LocalTable, Writer

if TYPE_CHECKING:
    from aimass_compiler.engines.local import Frame

    Block = polars.DataFrame
    #: A block and the number of its first row → a block.
    Step = Callable[[Block, int], Block]

State = TypeVar("State")


class OnRay(Local):
    """Tables of which whatever is found block by block is computed by the workers of a Ray cluster.

    Blocks are cut and merged as `Local` does it, so that results are the same to the last bit. The workers
    read the files themselves, and write to the same scratch: they must see the folders of this process.
    """

    def table(self, frames: Sequence[Frame]) -> RayTable:
        return RayTable(self, Files.of(frames))

    def __reduce__(self) -> tuple[Any, ...]:
        return Local, ()  # what travels to a worker has no scratch of its own


class Recipe(Struct, frozen=True):
    """How a worker gets a block: the rows of files, and what is computed of them one step after the other."""

    files: Files
    steps: tuple[Step, ...] = ()
    keeps_rows: bool = True
    """Whether the rows of a block are still those of the files, so that their numbers are known."""

    def block(self, bounds: tuple[int, int]) -> Block:
        """The rows that come from these rows of the files."""
        return self._after_steps(self.files.rows(*bounds), bounds[0])

    def empty(self) -> Block:
        """A block without rows."""
        return self._after_steps(polars.DataFrame(schema=self.files.schema), 0)

    def in_blocks_of(self, rows: int) -> Recipe:
        """The same of smaller blocks."""
        return Recipe(self.files.in_blocks_of(rows), self.steps, self.keeps_rows)

    def _after_steps(self, found: Block, start: int) -> Block:
        for step in self.steps:
            found = step(found, start)
        return found

    def then(self, step: Step, *, keeps_rows: bool = True) -> Recipe:
        """The same with one more step."""
        return Recipe(self.files, (*self.steps, step), keeps_rows and self.keeps_rows)


class RayTable(LocalTable):
    """Rows of which each block is a task of Ray Data, as long as only blocks are looked at.

    What has to see several blocks at once (`unique`, `join`, `split`) is computed
    here, as `LocalTable` does it.
    """

    def __init__(self, engine: OnRay, files: Files, recipe: Recipe | None = None) -> None:
        recipe = recipe or Recipe(files)
        computed = Computed(lambda: map(recipe.block, files.bounds()), recipe.empty)
        super().__init__(engine, computed if recipe.steps else files)
        self._ray_engine, self._recipe = engine, recipe

    def select(self, names: Sequence[str]) -> RayTable:
        if not self._recipe.steps:
            return RayTable(self._ray_engine, self._recipe.files.select(names))
        chosen = polars.selectors.by_name(*names)
        return self.with_columns(lambda block: block.select(chosen))

    def with_columns(self, function: Callable[[Block], Block]) -> RayTable:
        return self._with(self._recipe.then(lambda block, _: function(block)))

    def in_blocks_of(self, rows: int) -> RayTable:
        return self._with(self._recipe.in_blocks_of(rows))

    def filter(self, function: Callable[[Block], polars.Series]) -> RayTable:
        return self._with(self._recipe.then(lambda block, _: block.filter(function(block)), keeps_rows=False))

    def numbered(self, name: str) -> LocalTable:
        if not self._recipe.keeps_rows:
            return super().numbered(name)
        return self._with(self._recipe.then(lambda block, start: block.with_row_index(name, start)))

    def each(self, function: Callable[[Block], State]) -> Iterator[State]:
        bounds = self._recipe.files.bounds()
        if len(bounds) == 1:  # which is sooner read here than sent anywhere
            return super().each(function)
        return found_by_workers(BlockTask(self._recipe, bounds, function))

    def mapped(
        self, function: Callable[[Block], tuple[Block, State]], merge: Callable[[State, State], State]
    ) -> tuple[LocalTable, State]:
        if len(self._recipe.files.bounds()) == 1:
            return super().mapped(function, merge)
        folder = self._ray_engine.scratch()
        folder.mkdir()

        def stored(block: Block) -> tuple[Path, State]:
            result, state = function(block)
            return _written(result, folder), state

        paths, states = zip(*self.each(stored), strict=True)
        frames = [polars.scan_parquet(path, glob=False, hive_partitioning=False) for path in paths]
        merged = states[0]
        for state in states[1:]:
            merged = merge(merged, state)
        return self._ray_engine.table(frames), merged

    def _with(self, recipe: Recipe) -> RayTable:
        return RayTable(self._ray_engine, recipe.files, recipe)


class BlockTask(Struct, frozen=True):
    """What a worker does for the block of a number; a failure comes back as what was raised.

    Of an iterator all that it answers comes back at once.
    """

    recipe: Recipe
    bounds: Sequence[tuple[int, int]]
    function: Callable[[Block], Any]

    def __call__(self, number: int) -> tuple[bool, Any]:
        try:
            result = self.function(self.recipe.block(self.bounds[number]))
            return True, list(result) if isinstance(result, Iterator) else result
        except Exception as error:  # noqa: BLE001  # raised again where the block is waited for
            return False, error


def found_by_workers(task: BlockTask) -> Iterator[Any]:
    """What the task finds in each block, in their order; Ray Data repeats what dies with its worker."""
    import ray
    from ray import cloudpickle
    from ray.data import DataContext

    logging.getLogger("ray.data").setLevel(logging.ERROR)  # progress is reported by stage
    context = DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    context.print_on_execution_start = False
    # By value here: Ray would look for the classes of the program that was started, too.
    given = ray.put(cloudpickle.dumps(task))

    def found(row: Mapping[str, int]) -> dict[str, bytes]:
        own: BlockTask = pickle.loads(ray.get(given))  # noqa: S301  # our own bytes
        return {"found": cloudpickle.dumps(own(int(row["id"])))}

    count = len(task.bounds)
    for row in ray.data.range(count, override_num_blocks=count).map(found, num_cpus=1).iter_rows():
        is_found, result = pickle.loads(row["found"])  # noqa: S301  # our own bytes
        if not is_found:
            raise result
        yield result


def _written(block: Block, folder: Path) -> Path:
    """A new file with these rows: one that a killed worker began is not looked at."""
    path = folder / f"{uuid.uuid4().hex}.parquet"
    with Writer(path) as writer:
        writer.write(block)
    return path
