"""A registry that is slow, broken or hostile ends a command with a reason, and gets no other credentials."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aimass_compiler.programs import registry_connection
from aimass_compiler.programs.oci import CONFIG, INDEX, LAYER, MANIFEST, Blob, ImageManifest
from aimass_compiler.programs.registry import RegistryError, Repository
from tests.harness.loopback import Answers, Server

CONTENT = b"files of a model"
FILES = Blob.of(CONTENT)
IMAGE = ImageManifest.of(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": Blob.of(b"{}").descriptor(CONFIG),
        "layers": [FILES.descriptor(LAYER)],
    }
)
SHOWN = "Basic " + base64.b64encode(b"growth:secret").decode()
#: A deadline that a test can wait for, where nothing is to come before it.
SOON = 0.5
Act = Callable[["Hostile"], None]


class Hostile(Answers):
    """Answers as a test says; keeps what it was asked, and which credentials it was shown."""

    server: HostileServer

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        self.server.asked.append((f"{self.command} {path}", self.headers.get("Authorization")))
        self.server.act(self)

    do_HEAD = do_POST = do_PUT = do_GET

    def begin(self, status: int, **headers: str) -> None:
        """The head of an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def drip(self, first: bytes) -> None:
        """One byte after another, until who asked is gone."""
        try:
            self.wfile.write(first)
            while True:
                self.wfile.write(b"x")
                time.sleep(0.05)
        except OSError:
            self.close_connection = True


class HostileServer(Server):
    daemon_threads = True

    def __init__(self, act: Act) -> None:
        super().__init__(Hostile)
        self.act = act
        self.asked: list[tuple[str, str | None]] = []

    @property
    def credentials(self) -> set[str]:
        return {shown for _, shown in self.asked if shown}

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked has left, which is what the tests are about."""


@contextmanager
def hostile(act: Act) -> Iterator[tuple[HostileServer, Repository]]:
    with HostileServer(act) as server:
        yield server, Repository(f"{server.place}/ml/churn")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline that a test can wait for, for what never comes."""
    monkeypatch.setattr(registry_connection, "_DEADLINE", SOON)


@pytest.fixture(autouse=True)
def logged_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No credentials but those of the test; answers the folder of Docker's settings."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    for name in ("REGISTRY_USER", "REGISTRY_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def log_in(folder: Path, place: str) -> None:
    """As `docker login` leaves it."""
    shown = {place: {"auth": SHOWN.removeprefix("Basic ")}}
    (folder / "config.json").write_text(json.dumps({"auths": shown}))


def endless(asked: Hostile) -> None:
    """Says that it is huge, and is."""
    asked.begin(200, Content_Length=f"{8 << 30}", Content_Type=MANIFEST)
    part = b"[" * (1 << 16)
    try:
        while True:
            asked.wfile.write(part)
    except OSError:
        asked.close_connection = True


def slowly(asked: Hostile) -> None:
    asked.begin(200, Content_Type=MANIFEST)
    asked.drip(b"{")


def slow_headers(asked: Hostile) -> None:
    asked.drip(b"HTTP/1.1 200 OK\r\nX-Slow: ")


def hanging(asked: Hostile) -> None:
    time.sleep(SOON * 4)
    asked.close_connection = True


def unavailable_for_hours(asked: Hostile) -> None:
    asked.answer(503, Retry_After="36000")


def deep(asked: Hostile) -> None:
    asked.answer(200, b"[" * 100_000, Content_Type=MANIFEST)


def html(asked: Hostile) -> None:
    asked.answer(200, b"<html><title>Sign in to the guest Wi-Fi</title>", Content_Type="text/html")


def index_of_nothing(asked: Hostile) -> None:
    asked.answer(200, b'{"manifests": [{"digest": "../../other"}]}', Content_Type=INDEX)


def cursor(asked: Hostile) -> None:
    message = "\x1b[2J\x1b[Hall is well\n" + "x" * 10_000
    asked.answer(500, json.dumps({"errors": [{"message": message}]}).encode())


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (endless, r"gives no answer: it answered with more than 4,194,304 bytes"),
        (deep, r"gave something else than a manifest of .*/ml/churn"),
        (html, r"gave something else than a manifest of .*/ml/churn"),
        (index_of_nothing, r"gave something else than a manifest of .*/ml/churn"),
        (cursor, r"did not give .*:v1:  \[2J \[Hall is well x{1,200}…$"),
    ],
)
def test_what_is_no_manifest_ends_with_the_reason(act: Act, reason: str) -> None:
    with hostile(act) as (_, repository), pytest.raises(RegistryError, match=reason):
        repository.manifest("v1")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("act", [slowly, slow_headers, hanging, unavailable_for_hours])
def test_what_never_comes_is_waited_for_until_the_deadline(act: Act, tmp_path: Path) -> None:
    with hostile(act) as (_, repository):
        for ask in (
            lambda: repository.manifest("v1"),
            lambda: repository.fetch_blob(FILES.descriptor(LAYER), tmp_path / "blob"),
        ):
            with pytest.raises(RegistryError, match="gives no answer: it did not answer within"):
                ask()


def test_what_it_wants_to_wait_is_waited_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry_connection, "_RETRY_AFTER", 0)
    said = "503 Service Unavailable; it wants to be asked again later: 36000"
    with hostile(unavailable_for_hours) as (server, repository):
        with pytest.raises(RegistryError, match=re.escape(said)):
            repository.manifest("v1")
        assert len(server.asked) == 4, "once, and tried again three times"


def test_another_digest_than_the_one_that_was_asked_for_is_not_believed() -> None:
    named = {"said": f"sha256:{'1' * 64}"}

    def act(asked: Hostile) -> None:
        asked.answer(200, Docker_Content_Digest=named["said"])

    with hostile(act) as (_, repository):
        assert repository.digest("v1") == named["said"]
        with pytest.raises(RegistryError, match="gave other bytes than sha256:2"):
            repository.digest(f"sha256:{'2' * 64}")
        named["said"] = "sha256:$(reboot)"
        with pytest.raises(RegistryError, match=r"calls .*:v1 by no digest"):
            repository.digest("v1")


@pytest.mark.parametrize(
    ("content", "length", "reason"),
    [
        (CONTENT, FILES.size, ""),
        (b"F" + CONTENT[1:], FILES.size, "gave other bytes than"),
        (CONTENT[:-1], FILES.size, "gives no answer: .*(1 more expected|16 more)"),
        (CONTENT[:-1], FILES.size - 1, "gives no answer: it gave only 15 of 16 bytes"),
        (CONTENT + b"!", FILES.size + 1, "gives no answer: it gave more of 16 bytes"),
    ],
    ids=["whole", "other", "cut off", "short", "long"],
)
def test_a_blob_is_whole_or_not_there(tmp_path: Path, content: bytes, length: int, reason: str) -> None:
    def act(asked: Hostile) -> None:
        asked.begin(200, Content_Length=str(length))
        asked.wfile.write(content)
        asked.close_connection = True

    with hostile(act) as (_, repository):
        if not reason:
            repository.fetch_blob(FILES.descriptor(LAYER), tmp_path / "blob")
            assert (tmp_path / "blob").read_bytes() == CONTENT
            return
        with pytest.raises(RegistryError, match=reason):
            repository.fetch_blob(FILES.descriptor(LAYER), tmp_path / "blob")
    assert not list(tmp_path.glob("*blob*"))


def test_an_endless_blob_is_left_off_where_it_should_have_ended(tmp_path: Path) -> None:
    with hostile(endless) as (_, repository):
        with pytest.raises(RegistryError, match="it gave more of 3,000,000 bytes"):
            repository.fetch_blob({"digest": FILES.digest, "size": 3_000_000}, tmp_path / "blob")
        with pytest.raises(RegistryError, match="has a configuration of 1,000,000,000 bytes"):
            repository.blob({"digest": FILES.digest, "size": 1_000_000_000})
    assert not list(tmp_path.glob("*blob*"))


def challenging(realm: Callable[[Hostile], str], token: Act) -> Act:
    """Wants a token, and answers so where one is asked for."""

    def act(asked: Hostile) -> None:
        if asked.path.startswith("/token"):
            return token(asked)
        challenge = f'Bearer realm="{realm(asked)}",service="here",scope="repository:ml/churn:pull"'
        return asked.answer(401, WWW_Authenticate=challenge)

    return act


def here(asked: Hostile) -> str:
    return f"http://{asked.server.place}/token"


def a_bad_token(asked: Hostile) -> None:
    asked.answer(200, json.dumps({"token": "a\r\nX-Admin: yes"}).encode())


@pytest.mark.parametrize(
    ("act", "reason"),
    [
        (html, "/token gives no token, but something else than JSON"),
        (deep, "/token gives no token, but something else than JSON"),
        (a_bad_token, "/token gives a token that is none"),
    ],
)
def test_a_place_of_tokens_that_gives_none_ends_with_the_reason(act: Act, reason: str) -> None:
    with hostile(challenging(here, act)) as (_, repository), pytest.raises(RegistryError, match=reason):
        repository.manifest("v1")


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("act", [hanging, slowly])
def test_a_token_that_never_comes_is_waited_for_until_the_deadline(act: Act) -> None:
    expected = pytest.raises(RegistryError, match="gives no answer: it did not answer within")
    with hostile(challenging(here, act)) as (_, repository), expected:
        repository.manifest("v1")


@contextmanager
def thief() -> Iterator[HostileServer]:
    """Asks everyone who comes for a name and a password."""

    def act(asked: Hostile) -> None:
        challenge = f'Bearer realm="{here(asked)}",service="here",scope="all"'
        asked.answer(401, WWW_Authenticate=challenge if "bearer" in asked.path else 'Basic realm="all"')

    with HostileServer(act) as server:
        yield server


@pytest.mark.parametrize("kind", ["bearer", "basic"])
def test_a_redirect_leads_to_no_credentials(logged_out: Path, kind: str) -> None:
    with thief() as elsewhere:

        def act(asked: Hostile) -> None:
            if asked.headers.get("Authorization") != SHOWN:
                return asked.answer(401, WWW_Authenticate='Basic realm="here"')
            return asked.answer(307, Location=f"http://{elsewhere.place}/{kind}")

        with hostile(act) as (server, _):
            log_in(logged_out, server.place)
            repository = Repository(f"{server.place}/ml/churn")
            for _ in ("before it is known what the registry wants to see", "and after"):
                with pytest.raises(RegistryError, match="refuses to give"):
                    repository.manifest("v1")
            assert server.credentials == {SHOWN}
        assert [path for path, _ in elsewhere.asked] == [f"GET /{kind}"] * 2
        assert elsewhere.credentials == set()


def test_an_upload_that_goes_elsewhere_takes_no_credentials_along(logged_out: Path) -> None:
    with thief() as elsewhere:

        def act(asked: Hostile) -> None:
            if asked.headers.get("Authorization") != SHOWN:
                return asked.answer(401, WWW_Authenticate='Basic realm="here"')
            if asked.command == "HEAD":
                return asked.answer(404)
            return asked.answer(202, Location=f"http://{elsewhere.place}/basic/upload")

        with hostile(act) as (server, _):
            log_in(logged_out, server.place)
            with pytest.raises(RegistryError, match="refuses to take 16 bytes"):
                Repository(f"{server.place}/ml/churn").push_blob(FILES)
        assert [path for path, _ in elsewhere.asked] == ["PUT /basic/upload"]
        assert elsewhere.credentials == set()


def test_redirects_end() -> None:
    def act(asked: Hostile) -> None:
        asked.answer(307, Location=f"{asked.path}x")

    expected = pytest.raises(RegistryError, match=r"gives no answer: .*5 redirects")
    with hostile(act) as (_, repository), expected:
        repository.manifest("v1")
