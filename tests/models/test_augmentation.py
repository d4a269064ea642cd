"""Training sees images a little differently in each epoch, repeats itself, and changes nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler.catalog import load, names
from aimass_compiler.catalog.augmentations.color import Color
from aimass_compiler.catalog.augmentations.crop import Crop
from aimass_compiler.catalog.augmentations.flip import Flip
from aimass_compiler.catalog.augmentations.rotate import Rotate
from aimass_compiler.catalog.models.cnn import Cnn
from aimass_compiler.catalog.share import Share
from tests.examples import at_most
from tests.models.examples import Watched, budget, train

if TYPE_CHECKING:
    from aimass_compiler.catalog.augmentation import Augmentation

NAMES = names("augmentations")


def of(name: str) -> Augmentation:
    return cast("Augmentation", load("augmentations", name)())


def images(count: int = 5, shape: tuple[int, int, int] = (3, 6, 7), seed: int = 0) -> numpy.ndarray:
    return numpy.random.default_rng(seed).normal(size=(count, *shape)).astype(numpy.float32)


def changed(step: Augmentation, of: numpy.ndarray, seed: int = 0) -> numpy.ndarray:
    return step.applied(of, step.drawn(numpy.random.default_rng(seed), len(of)))


@pytest.mark.parametrize("name", NAMES)
@at_most(30)
@given(
    shape=st.tuples(st.integers(1, 4), st.integers(1, 9), st.integers(1, 9)),
    count=st.integers(1, 6),
    seed=st.integers(0, 99),
)
def test_an_image_stays_an_image(name: str, shape: Any, count: int, seed: int) -> None:
    before = images(count, shape, seed)
    kept = before.copy()
    found = changed(of(name), before, seed)
    assert found.shape == before.shape
    assert found.dtype == numpy.float32
    assert numpy.isfinite(found).all()
    assert (before == kept).all(), "the next epoch reads the same rows"


@pytest.mark.parametrize("name", NAMES)
def test_a_missing_image_stays_missing(name: str) -> None:
    assert numpy.isnan(changed(of(name), numpy.full((3, 1, 4, 4), numpy.nan, numpy.float32))).all()


@pytest.mark.parametrize("name", ["crop", "flip", "rotate"])
def test_what_moves_pixels_makes_no_new_values(name: str) -> None:
    before = images(count=40)
    found = changed(of(name), before)
    assert (found.min((1, 2, 3)) >= before.min((1, 2, 3)) - 1e-6).all()
    assert (found.max((1, 2, 3)) <= before.max((1, 2, 3)) + 1e-6).all()


def test_half_of_the_images_are_mirrored() -> None:
    before = images(count=400)
    found = changed(Flip(), before)
    is_mirrored = (found == before[..., ::-1]).all((1, 2, 3))
    assert ((found == before).all((1, 2, 3)) ^ is_mirrored).all()
    assert 150 < is_mirrored.sum() < 250


def test_a_flip_may_be_upside_down() -> None:
    before = images(count=200)
    assert any(
        (row == image[:, ::-1]).all()
        for row, image in zip(changed(Flip(axis="vertical"), before), before, strict=True)
    )
    both = changed(Flip(axis="both"), before)
    assert any((row == image[:, ::-1, ::-1]).all() for row, image in zip(both, before, strict=True))


def test_a_crop_moves_an_image_by_whole_pixels() -> None:
    before = images(count=1)
    found = Crop(pixels=2).applied(before, numpy.array([[1, -2]]))
    assert (found[..., :-1, 2:] == before[..., 1:, :-2]).all()
    assert (found[..., -1, 2:] == before[..., -1, :-2]).all(), "beyond the edge lies what is on it"


def test_a_rotation_turns_around_the_middle() -> None:
    before = images(shape=(2, 7, 7), count=4)
    found = Rotate().applied(before, numpy.array([0.0, 90.0, 180.0, -90.0]))
    for turns, image, row in zip((0, -1, 2, 1), before, found, strict=True):
        assert row == pytest.approx(numpy.rot90(image, turns, (1, 2)), abs=1e-5)


@at_most(30)
@given(st.floats(0.1, 100), st.floats(-100, 100))
def test_colour_means_the_same_in_any_range(factor: float, shift: float) -> None:
    step, before = Color(brightness=0.5, contrast=0.5, channels=0.5), images().astype(numpy.float64)
    assert changed(step, before * factor + shift) == pytest.approx(
        changed(step, before) * factor + shift, abs=1e-6
    )
    assert not numpy.allclose(changed(step, before), before)


STEPS = (Flip(), Crop(pixels=1), Rotate(), Color())


def test_an_epoch_repeats_itself_and_no_other() -> None:
    before, spent = images(), budget(augmentation=STEPS)
    first = spent.augmented(before, epoch=0, start=0, count=5)
    assert (spent.augmented(before, epoch=0, start=0, count=5) == first).all()
    for others in ({"epoch": 1, "start": 0}, {"epoch": 0, "start": 5}):
        assert not numpy.allclose(spent.augmented(before, count=5, **others), first)
    assert not numpy.allclose(budget(augmentation=STEPS, seed=8).augmented(before, 0, 0, 5), first)


def test_workers_together_see_what_one_sees() -> None:
    before = images()
    whole = budget(augmentation=STEPS).augmented(before, 3, 10, 5)
    for rank in range(2):
        share = Share(rank, 2)
        own = budget(augmentation=STEPS, share=share).augmented(share.of_batch(before), 3, 10, 5)
        assert (own == share.of_batch(whole)).all()


@pytest.mark.parametrize("framework", ["torch", pytest.param("tensorflow", marks=pytest.mark.nightly)])
def test_a_network_learns_from_what_is_augmented(framework: str) -> None:
    pytest.importorskip(framework)
    model = Cnn.model_validate({"channels": [4], "framework": framework})

    def losses(**spent: Any) -> list[float]:
        watched = Watched()
        train("cnn", "binary", model=model, watched=watched, epochs=2, **spent)
        return [step["train_loss"] for step in watched.losses]

    plain, augmented = losses(), losses(augmentation=STEPS)
    assert losses(augmentation=STEPS) == augmented
    assert augmented != plain
