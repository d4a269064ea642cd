"""An address that is none is told as one, whatever the library says of it."""

from __future__ import annotations

import pytest

from aimass_compiler.programs import model_server
from aimass_compiler.programs.model_server import ServerError


@pytest.mark.parametrize(
    "url", ["nonsense", "localhost:8080", "file:///etc/passwd", "http://a b", "http://[::1"]
)
def test_what_is_no_address_is_told(url: str) -> None:
    with pytest.raises(ServerError):
        model_server.ask(url, [{"age": 1}])
    with pytest.raises(ServerError):
        list(model_server.stream(url, []))
    assert not model_server.is_of_text(url)
