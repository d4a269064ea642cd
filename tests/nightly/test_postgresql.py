"""A real PostgreSQL: its types, what it refuses, and that its password is written nowhere."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest

from aimass_compiler.catalog.fetched_source import SourceUnreachableError
from aimass_compiler.catalog.source import UnreadableError
from aimass_compiler.catalog.sources.sql import Sql

pytest.importorskip("adbc_driver_postgresql", reason="the extra `sql` is not installed")

#: Debian keeps the server's programs out of the path.
_FOLDERS = [*sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True), os.environ["PATH"]]
_PROGRAMS = os.pathsep.join(_FOLDERS)
_PASSWORD = "cor/rect horse"  # noqa: S105  # of a server that lives as long as the test

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("pg_ctl", path=_PROGRAMS) is None, reason="no PostgreSQL is installed"),
]


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


def _call(program: str, *arguments: str) -> None:
    """Run one of the server's programs, which refuse to work as root."""
    path = shutil.which(program, path=_PROGRAMS)
    assert path is not None
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run([path, *arguments], check=True, stdout=subprocess.DEVNULL, user=user, cwd="/")


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that asks for a password."""
    home = Path(tmp_path_factory.mktemp("postgresql"))
    if os.geteuid() == 0:
        for folder in (home, home.parent, home.parent.parent):
            folder.chmod(0o755)
        os.chown(home, pwd.getpwnam("postgres").pw_uid, -1)
    (home / "password").write_text(_PASSWORD)
    port, folder = _free_port(), str(home / "server")
    _call("initdb", "-D", folder, "-U", "reader", "-A", "scram-sha-256", f"--pwfile={home / 'password'}")
    _call(
        "pg_ctl",
        "-D",
        folder,
        "-w",
        "-l",
        str(home / "log"),
        "-o",
        f"-p {port} -k {home} -c fsync=off",
        "start",
    )
    try:
        yield port
    finally:
        _call("pg_ctl", "-D", folder, "-w", "-m", "immediate", "stop")


@pytest.fixture
def address(port: int, monkeypatch: pytest.MonkeyPatch) -> str:
    """Its address, which is in DATABASE_URL as SQLAlchemy writes it."""
    address = f"postgresql+psycopg://reader:{quote(_PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
    monkeypatch.setenv("DATABASE_URL", address)
    return address


def sql(**keys: str) -> Sql:
    return Sql.model_validate({"snapshot": "rows.parquet", **keys})


@pytest.mark.usefixtures("address")
def test_every_type_that_data_has_is_read(tmp_path: Path) -> None:
    query = """
        SELECT 7::int AS whole, 1.25::numeric(8, 2) AS price, 'x'::varchar(9) AS name, true AS flag,
               'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid AS key, '{"a": 1}'::json AS more,
               '2024-05-01 12:00+02'::timestamptz AS at, ARRAY[1, 2] AS list, NULL::numeric AS gap
        UNION ALL SELECT 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
    """
    rows = sql(query=query).fetched(tmp_path).rows
    assert rows["whole"].to_list() == [3, 7]
    assert rows.row(1, named=True) == {
        "whole": 7,
        "price": 1.25,
        "name": "x",
        "flag": True,
        "key": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "more": '{"a": 1}',
        "at": datetime(2024, 5, 1, 10, tzinfo=UTC),
        "list": [1, 2],
        "gap": None,
    }


@pytest.mark.usefixtures("address")
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT nope FROM pg_class", 'refuses the query: column "nope" does not exist'),
        ("SELECT 1 / 0", "division by zero"),
        ("CREATE TABLE mine (a int)", "cannot execute CREATE TABLE in a read-only transaction"),
        ("SELECT '10.0.0.1'::inet AS host", "the column `host` is of the type inet"),
        ("SELECT interval '1 day' AS span", "the column `span` is of the type interval"),
    ],
)
def test_what_it_refuses_is_told_in_its_words(tmp_path: Path, query: str, said: str) -> None:
    with pytest.raises(UnreadableError) as failure:
        sql(query=query).fetched(tmp_path)
    assert said in failure.value.message
    assert "\n" not in failure.value.message


@pytest.mark.usefixtures("address")
def test_a_table_of_a_schema_is_read(tmp_path: Path) -> None:
    assert sql(table="information_schema.schemata").fetched(tmp_path).rows.height >= 3


def test_a_password_that_is_refused_is_not_tried_again(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", address.replace("horse", "mule"))
    monkeypatch.setattr("time.sleep", lambda seconds: pytest.fail(f"waits for {seconds} s"))
    with pytest.raises(SourceUnreachableError, match="password authentication failed") as failure:
        sql(query="SELECT 1").fetched(tmp_path)
    assert "mule" not in failure.value.message + failure.value.hint
