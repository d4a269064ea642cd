"""Whatever a shell has set for Ray, a search runs on this machine or says in a sentence why not."""

from __future__ import annotations

import contextlib
import functools
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from aimass_compiler.exit_codes import ExitCode
from aimass_compiler.pipeline.training import Training
from aimass_compiler.runtime.failure import StageFailure
from aimass_compiler.runtime.training import ray_session
from aimass_compiler.runtime.training.ray_session import VARIABLE

TRAINING = Training()


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that was somebody's and that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("http://127.0.0.1:8265", "that is a dashboard"),
        ("https://ray.example.com", "that is a dashboard"),
        ("ray://127.0.0.1:10001", "a search cannot run over ray://"),
        ("somewhere", "that is no HOST:PORT"),
        ("127.0.0.1:", "that is no HOST:PORT"),
        ("127.0.0.1:99999", "nothing answers there"),
        ("no-such-host.invalid:6379", "nothing answers there"),
        ("", "nothing answers there"),
    ],
)
def test_an_address_that_is_no_cluster(
    address: str, told: str, refusing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, address or refusing)
    with pytest.raises(StageFailure, match=told) as failed, ray_session.ray_session(TRAINING):
        pytest.fail("no search can run there")
    assert failed.value.code == ExitCode.USAGE
    assert f"{VARIABLE} is set to `{address or refusing}`" in failed.value.message
    assert f"`env -u {VARIABLE} aimass run MODEL`" in failed.value.help


@pytest.mark.pipeline
def test_a_cluster_of_this_machine_that_does_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "auto")
    # Ray looks at all processes of the machine, among which are those of other tests and other people.
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", functools.cache(set))
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))  # where it notes what was started last
    with pytest.raises(StageFailure, match="no Ray runs here"), ray_session.ray_session(TRAINING):
        pytest.fail("no search can run there")


@pytest.mark.pipeline
def test_a_long_folder_for_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    long = tmp_path / ("a-folder-of-a-job-" * 6)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    import ray

    with ray_session.ray_session(TRAINING):
        assert ray.is_initialized()
    assert list(long.iterdir()) == []


def test_what_is_made_in_its_place_is_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    monkeypatch.setenv("TMPDIR", "/t")
    with ray_session._folder_for_sockets() as folder:
        assert folder == ""
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    with ray_session._folder_for_sockets() as folder:
        assert Path(folder).is_dir()
        assert len(folder) < 30
    assert not Path(folder).exists()


def test_where_no_short_folder_can_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / ("long" * 30)))
    monkeypatch.setattr(ray_session, "_SHORT_FOLDER", str(tmp_path / "missing"))
    raised = pytest.raises(StageFailure, match="too long a name for Ray's sockets")
    with raised as failed, contextlib.ExitStack() as stack:
        stack.enter_context(ray_session._folder_for_sockets())
    assert "TMPDIR=/scratch/me aimass run MODEL" in failed.value.help
