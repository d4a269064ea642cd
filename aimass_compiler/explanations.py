"""What a finding's code means at length, for `aimass explain AM003`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Explanation(Struct, frozen=True):
    """One code: what it says in a line, and why it is a problem and how to get out in a paragraph.

    Each module that emits findings declares the tuple `EXPLANATIONS` of its own codes.
    """

    code: str
    title: str
    text: str


class Example(Struct, frozen=True):
    """One code, shown by something that has the problem and by the nearest thing that has not.

    Each module declares the tuple `EXAMPLES` beside its `EXPLANATIONS`. What both texts are of:

    - a `change` of the sound spec `checks.BASE`, in YAML: mappings are merged, everything else is replaced
    - a `file`: all of a spec's text
    - the `settings`, all of aimass.yaml
    - a `situation`, told in a sentence, for what no text shows; a test brings it about
    """

    code: str
    fails: str
    passes: str
    of: Literal["change", "file", "settings", "situation"] = "change"
    #: The aimass.yaml beside a change or a file, where the problem is one between the two.
    settings: str = ""
