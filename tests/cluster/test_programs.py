"""Where the programs of a control plane come from, and what is said when they cannot be had."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from scripts.cluster import background, custom_resources, programs
from scripts.cluster.__main__ import build
from scripts.cluster.control_plane import NotReady


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Go and without anything built; the folder is the only one on the PATH."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv(programs.VARIABLE_ASSETS, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    (tmp_path / "path").mkdir()
    return tmp_path / "path"


def install_go(here: Path, body: str) -> None:
    (here / "go").write_text(f"#!{sys.executable}\nimport pathlib, sys\n{body}\n", encoding="utf-8")
    (here / "go").chmod(0o755)


@pytest.mark.usefixtures("here")
def test_without_go_it_says_what_to_install() -> None:
    with pytest.raises(programs.ProgramMissing, match=r"no etcd: install Go .* KUBEBUILDER_ASSETS"):
        programs.program("etcd")
    with pytest.raises(programs.ProgramMissing, match="install it"):
        custom_resources.rendered()


@pytest.mark.usefixtures("here")
def test_make_test_goes_on_without_them_and_what_keeps_them_does_not(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert build(needs_all=True) == 1
    assert build(needs_all=False) == 0
    assert "the tests that need it will be skipped: no actionlint: install Go" in capsys.readouterr().out


def test_those_that_are_given_come_first(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(programs.VARIABLE_ASSETS, str(here))
    (here / "etcd").touch()
    assert programs.program("etcd") == here / "etcd"
    with pytest.raises(programs.ProgramMissing):
        programs.program("kube-apiserver")


def test_what_go_built_is_kept(here: Path) -> None:
    install_go(
        here, "path = pathlib.Path(sys.argv[sys.argv.index('-o') + 1]); path.parent.mkdir(); path.touch()"
    )
    kubectl = programs.program("kubectl")
    assert kubectl.resolve() == programs.program("kube-apiserver")
    (here / "go").unlink()
    assert programs.program("kubectl") == kubectl


def test_a_build_that_fails_leaves_nothing_and_says_why(here: Path) -> None:
    install_go(here, "sys.exit('no network')")
    with pytest.raises(programs.BuildFailed, match="could not build etcd:\nno network"):
        programs.program("etcd")
    assert [path for path in programs.cache().iterdir() if path.is_dir()] == []


def test_definitions_that_go_cannot_fetch_are_told(here: Path) -> None:
    install_go(here, """print('{"Error": "no network"}'); sys.exit(1)""")
    with pytest.raises(programs.ProgramMissing, match=r"cannot download .*ray-operator.*: no network"):
        custom_resources.rendered()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis").touch()
    with pytest.raises(NotReady, match="of no cluster"):
        background.launch(tmp_path)
    assert (tmp_path / "thesis").exists()
