"""A library of ours that is not installed, and the extra of this distribution that brings it."""

from __future__ import annotations

import re

_DISTRIBUTION = "aimass-compiler"
#: What most commands that read rows or packages need, and the one to name where several bring a library.
_USUAL = "run"
_EVERYTHING = "all"
_NEEDED = re.compile(r"^(?P<name>[\w-]+).*\bextra == ['\"](?P<extra>[\w-]+)['\"]")
#: Modules that are called otherwise than what installs them.
_DISTRIBUTIONS = {"pil": "pillow", "sklearn": "scikit-learn", "jwt": "pyjwt"}


def how_to_install(error: ModuleNotFoundError) -> tuple[str, str] | None:
    """The message and the hint; None where no extra brings what is missing."""
    from importlib.metadata import PackageNotFoundError, requires

    module = (error.name or "").partition(".")[0]
    wanted = _DISTRIBUTIONS.get(module.lower(), module.lower().replace("_", "-"))
    try:
        needed = requires(_DISTRIBUTION) or ()
    except PackageNotFoundError:
        return None
    extras = {found["extra"] for each in needed if (found := _NEEDED.match(each)) and found["name"] == wanted}
    extra = _USUAL if _USUAL in extras else min(extras - {_EVERYTHING}, default=None)
    if extra is None:
        return None
    return f"{module} is not installed", f"`pip install '{_DISTRIBUTION}[{extra}]'` brings it"
