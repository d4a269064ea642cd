"""Packages from a registry of images, by their digests: nothing that it says is believed before it is hashed.

A package's image has one layer, an archive that is not compressed. The server's image holds no library that
speaks to registries, and this little of their protocol needs none.
Source: https://github.com/opencontainers/distribution-spec and
https://distribution.github.io/distribution/spec/auth/token/
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from tempfile import TemporaryFile, mkdtemp
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE = re.compile(r"(?P<host>[^/@]+)/(?P<path>[a-z0-9._/-]+)@(?P<digest>sha256:[0-9a-f]{64})")
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')
_ACCEPTED = (
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_LARGEST_MANIFEST = 4 << 20
#: Of a package that many share a server with.
_LARGEST_LAYER = 256 << 20
_PART = 1 << 20
_SECONDS = 30
_UNAUTHORIZED = 401
#: Registries on this machine, as in tests, speak without TLS.
_PLAIN_HOSTS = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?")


class NotBrought(Exception):  # noqa: N818  # it reads as what is the case
    """A package cannot be brought, for a reason that somebody can fix; the next look tries again."""


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows to where blobs are kept, and takes no credentials to another host."""

    def redirect_request(self, req: Any, *more: Any) -> Any:
        following = super().redirect_request(req, *more)
        if following is not None and following.host != req.host:
            following.remove_header("Authorization")
        return following


class Registries:
    """All registries, with the credentials of a Docker configuration."""

    def __init__(self, configuration: Path) -> None:
        """Read credentials whenever they are needed: a Secret may change."""
        self._configuration = configuration
        self._open = urllib.request.build_opener(_Redirects())
        self._tokens: dict[tuple[str, str], str] = {}

    def bring(self, image: str, into: Path) -> Path:
        """The package of an image, written `HOST/PATH@sha256:…`, as a folder in `into`; raises NotBrought."""
        found = _REFERENCE.fullmatch(image)
        if found is None:
            raise NotBrought(f"`{image}` names no image by its digest")
        host, path, digest = found["host"], found["path"], found["digest"]
        target = into / digest.partition(":")[2]
        if target.is_dir():
            return target
        try:
            layer = self._layer(host, path, digest)
            with TemporaryFile(dir=into) as archive:
                self._fetch(host, path, layer, archive)
                partial = Path(mkdtemp(dir=into, prefix=".partial-"))
                _extract(archive, partial)
            partial.chmod(0o755)
            partial.rename(target)
        except (OSError, ValueError, KeyError, TypeError, tarfile.TarError) as error:
            raise NotBrought(f"{image} cannot be brought: {error}") from error
        return target

    def _layer(self, host: str, path: str, digest: str) -> Mapping[str, Any]:
        with self._asked(host, path, f"manifests/{digest}", ", ".join(_ACCEPTED)) as answer:
            content = answer.read(_LARGEST_MANIFEST + 1)
        if f"sha256:{hashlib.sha256(content).hexdigest()}" != digest:
            raise ValueError(f"{host} gave other bytes than this manifest")
        layers = json.loads(content)["layers"]
        if len(layers) != 1 or layers[0]["size"] > _LARGEST_LAYER:
            raise ValueError("it is no image of one package alone")
        layer: Mapping[str, Any] = layers[0]
        return layer

    def _fetch(self, host: str, path: str, layer: Mapping[str, Any], archive: IO[bytes]) -> None:
        sha256, left = hashlib.sha256(), int(layer["size"])
        with self._asked(host, path, f"blobs/{layer['digest']}", "*/*") as answer:
            while left > 0 and (part := answer.read(min(_PART, left))):
                sha256.update(part)
                archive.write(part)
                left -= len(part)
        if left or f"sha256:{sha256.hexdigest()}" != layer["digest"]:
            raise ValueError(f"{host} gave other bytes than this layer")
        archive.seek(0)

    def _asked(self, host: str, path: str, what: str, accepted: str) -> Any:
        scheme = "http" if _PLAIN_HOSTS.fullmatch(host) else "https"
        url = f"{scheme}://{host}/v2/{path}/{what}"
        headers = {"Accept": accepted}
        if token := self._tokens.get((host, path)):
            headers["Authorization"] = token
        try:
            return self._open.open(_request(url, headers), timeout=_SECONDS)
        except urllib.error.HTTPError as error:
            if error.code != _UNAUTHORIZED:
                raise
            headers["Authorization"] = self._authorization(
                host, path, error.headers["WWW-Authenticate"] or ""
            )
        return self._open.open(_request(url, headers), timeout=_SECONDS)

    def _authorization(self, host: str, path: str, challenge: str) -> str:
        """What a registry wants to see: the credentials, or a token that another service gives for them."""
        basic, (kind, _, rest) = self._basic(host), challenge.partition(" ")
        if kind.lower() == "basic":
            if not basic:
                raise ValueError(f"{host} wants credentials, and there are none for it")
            return basic
        asked = dict(_CHALLENGE.findall(rest))
        address = asked.pop("realm", "")
        if not address.startswith("https://") and not _PLAIN_HOSTS.fullmatch(host):
            raise ValueError(f"{host} sends its callers to {address[:100]!r} for a token")
        query = urllib.parse.urlencode({**asked, "scope": f"repository:{path}:pull"})
        headers = {"Authorization": basic} if basic else {}
        with self._open.open(_request(f"{address}?{query}", headers), timeout=_SECONDS) as answer:
            given = json.loads(answer.read(_LARGEST_MANIFEST))
        self._tokens[host, path] = f"Bearer {given.get('token') or given['access_token']}"
        return self._tokens[host, path]

    def _basic(self, host: str) -> str:
        try:
            known = json.loads(self._configuration.read_bytes())["auths"]
        except (OSError, ValueError, KeyError):
            return ""
        own = known.get(host) or known.get(f"https://{host}") or {}
        text = own.get("auth") or _encoded(own.get("username"), own.get("password"))
        return f"Basic {text}" if text else ""


def _request(url: str, headers: dict[str, str]) -> urllib.request.Request:
    return urllib.request.Request(url, headers=headers)  # noqa: S310  # http or https, as it was made


def _encoded(user: str | None, password: str | None) -> str:
    return base64.b64encode(f"{user}:{password}".encode()).decode() if user and password else ""


def _extract(archive: IO[bytes], folder: Path) -> None:
    """The files of a package, which has no folders: everything else in an archive is refused."""
    with tarfile.open(fileobj=archive, mode="r:") as opened:
        for member in opened:
            if not member.isfile() or "/" in member.name.removeprefix("./"):
                raise ValueError(f"it has {member.name[:100]!r}, which is no file of a package")
            opened.extract(member, folder, filter="data")
