"""Text that is alike for many models but for a few words: built and emitted once, then filled in.

A cached template gives exactly what its builder gives, only sooner. It is cut from a text that was built with
stand-ins for the words; wherever a word could change how YAML must be quoted, the builder is asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from functools import lru_cache

from aimass_compiler.render.emit import FLAGS

#: Stands bare in YAML where its first character may, and changes no quotes where it stands further on.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_./@-]{0,99}", re.ASCII)
#: What together with other text could become a flag: `o` before `n`.
_PARTS_OF_FLAGS = frozenset(
    flag[start:end] for flag in FLAGS for start in range(len(flag)) for end in range(start + 1, len(flag) + 1)
)


class CachedTemplate:
    """A builder of text that takes words, then hashable values that decide on all else.

    The builder must only place its words: what it compares, sorts, measures or cuts belongs to the rest.
    """

    def __init__(self, build: Callable[..., str]) -> None:
        self._build = build
        self._cut = lru_cache(maxsize=1024)(self._cut_out)

    def __call__(self, words: tuple[str, ...], *rest: Hashable) -> str:
        """The text with these words."""
        kinds = tuple(map(_kind, words))
        if "" in kinds:
            return self._build(*words, *rest)
        text, places = self._cut(kinds, rest)
        return text % tuple([words[place] for place in places])

    def _cut_out(self, kinds: tuple[str, ...], rest: tuple[Hashable, ...]) -> tuple[str, tuple[int, ...]]:
        """The text with `%s` for each word, and which word it is."""
        stand_ins = [f"{kind}stand-in-{place}-" for place, kind in enumerate(kinds)]
        while any(stand_in in repr(rest) for stand_in in stand_ins):
            stand_ins = [f"{stand_in}-" for stand_in in stand_ins]
        text = self._build(*stand_ins, *rest).replace("%", "%%")
        found = re.compile("|".join(map(re.escape, stand_ins)))
        places = tuple(stand_ins.index(name) for name in found.findall(text))
        return found.sub("%s", text), places


@lru_cache(maxsize=8192)
def _kind(word: str) -> str:
    """What a stand-in must begin with to be quoted alike: a letter or a digit; nothing when none is."""
    if _WORD.fullmatch(word) is None or word.lower() in _PARTS_OF_FLAGS:
        return ""
    return "7" if word[0].isdigit() else "x"
