"""Names that look the same and are not: what of one people cannot see, or take for something else.

Sources: https://www.unicode.org/reports/tr36/ and https://www.unicode.org/reports/tr39/
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

#: Controls, formats, marks on other characters, and blanks.
_UNSEEN = ("Cc", "Cf", "Co", "Cn", "Mn", "Me", "Mc", "Zl", "Zp", "Zs")
#: Latin letters that are drawn like other ones: the dotless i, the script g and the long s among them.
_ALIKE = frozenset(
    "\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER ALPHA}\N{LATIN SMALL LETTER SCRIPT G}"
    "\N{LATIN SMALL LETTER LONG S}"
)
_BLANKS = " \t"


def unseen(word: str, other: str) -> Iterator[str]:
    """What is in a word and not in the other, where people may not see it, as the end of a sentence."""
    if (blanks := _around(word)) and not _around(other):
        yield blanks
    elif "  " in word.strip() and "  " not in other:
        yield "has two blanks in a row"
    is_mixed = any(character.isascii() and character.isalpha() for character in (*word, *other))
    are_one = unicodedata.normalize("NFC", word) == unicodedata.normalize("NFC", other)
    for character in dict.fromkeys(word.strip(_BLANKS) if blanks else word):
        if character not in other and (are_one or _is_unseen(character, is_mixed=is_mixed)):
            yield f"holds {_named(character)}"


def _around(word: str) -> str:
    """The blanks at the ends of a word, where there are any."""
    starts = len(word) - len(word.lstrip(_BLANKS))
    ends = len(word) - len(word.rstrip(_BLANKS))
    if not (starts or ends):
        return ""
    where = "start and at its end" if starts and ends else "start" if starts else "end"
    kind = "tab" if "\t" in (word[:starts] + word[len(word) - ends :]) else "blank"
    return f"has a {kind} at its {where}"


def _is_unseen(character: str, *, is_mixed: bool) -> bool:
    """Whether it is drawn as nothing or a blank, or among letters of ASCII like one of them."""
    category = unicodedata.category(character)
    if character.isascii():
        return category == "Cc"
    if category in _UNSEEN or character in _ALIKE or category[0] in "PNS":
        return True
    return is_mixed and not unicodedata.name(character, "").startswith("LATIN")


def _named(character: str) -> str:
    name = "TAB" if character == "\t" else unicodedata.name(character, "a character without a name")
    return f"{name} (U+{ord(character):04X})"
