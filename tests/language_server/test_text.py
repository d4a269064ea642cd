"""Text that grows by tokens: whole characters only, stops held back, and nothing lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimass_compiler import conventions
from aimass_compiler.runtime.language_server.package import _vocabulary
from aimass_compiler.runtime.language_server.text import ChatTemplate, GrowingText, Tokenizer
from aimass_compiler.runtime.server.response import RequestError
from language_server.asking import EXAMPLE

if TYPE_CHECKING:
    from collections.abc import Sequence

BROKEN = "\N{REPLACEMENT CHARACTER}"
FOLDER = EXAMPLE / conventions.ONNX_FOLDER
TOKENIZER = Tokenizer(FOLDER, _vocabulary(FOLDER / "tokenizer.json"))


def grown(tokens: Sequence[int], stops: Sequence[str] = ()) -> list[str]:
    """Every piece, the last one being what was held back."""
    growing = GrowingText(TOKENIZER, stops)
    pieces = []
    for token in tokens:
        pieces.append(growing.add(token))
        if growing.is_stopped:
            return pieces
    return [*pieces, growing.rest()]


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=30))
def test_every_text_grows_to_itself_in_whole_characters(text: str) -> None:
    pieces = grown(TOKENIZER.ids(text, 1000))
    assert "".join(pieces) == text
    assert BROKEN in text or not any(BROKEN in piece for piece in pieces)


@given(st.lists(st.integers(5, TOKENIZER.size - 1), max_size=30))
def test_any_tokens_grow_to_what_they_are_together(tokens: list[int]) -> None:
    assert "".join(grown(tokens)).encode() == TOKENIZER.text(tokens).encode()


@given(st.text("ab ", max_size=20), st.lists(st.text("ab ", min_size=1, max_size=4), min_size=1, max_size=3))
def test_nothing_of_a_stop_is_ever_said(text: str, stops: list[str]) -> None:
    tokens = TOKENIZER.ids(text, 1000)
    met = [place for stop in stops if (place := text.find(stop)) >= 0]
    said = "".join(grown(tokens, stops))
    assert not any(stop in said for stop in stops)
    assert text.startswith(said)
    assert met or said == text


def test_a_template_is_rendered_as_transformers_does() -> None:
    template = ChatTemplate(
        "{% for m in messages %}\n  {%- if m.role == 'user' %}\n{{ m.content }}\n{% endif %}\n{% endfor %}"
    )
    assert template.prompt([{"role": "user", "content": "a<b"}]) == "a<b\n"
    assert template.roles == ("user",)


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('no') }}",
        "{{ messages.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{{ undefined.attribute }}",
    ],
)
def test_a_template_that_refuses_or_reaches_out_is_a_refusal(template: str) -> None:
    with pytest.raises(RequestError):
        ChatTemplate(template).prompt([{"role": "user", "content": "x"}])


def test_a_template_that_is_none_is_found_when_it_is_read() -> None:
    with pytest.raises(jinja2.TemplateError):
        ChatTemplate("{% for %}")
