"""Pages as HTML: one template, one stylesheet and its scripts, all within the page.

What comes from specs and data is text: the template escapes it, and the page's own policy lets no script
run but those whose hashes it has.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib import resources
from importlib.util import find_spec
from typing import TYPE_CHECKING

from aimass_compiler.cli.pages.blocks import Chart, Grid, Page
from aimass_compiler.version import __version__

if TYPE_CHECKING:
    import jinja2

HOW_TO_INSTALL = "pip install 'aimass-compiler[report]'"
#: What the page's own script calls of Vega's.
_EXPORTED = "window.vegaEmbed = vegaEmbed;"


def can_draw() -> bool:
    """Whether what brings Vega is installed."""
    return find_spec("vl_convert") is not None


def html(page: Page, *, is_live: bool = False) -> str:
    """The page; a live one asks now and then whether it has changed, and shows itself again."""
    blocks = [block for section in page.sections for block in section.blocks]
    has_charts = any(isinstance(block, Chart) for block in blocks)
    is_drawn = has_charts and can_draw()
    wanted = {
        "charts.js": is_drawn,
        "filter.js": any(isinstance(block, Grid) and block.facets for block in blocks),
        "live.js": is_live,
        "page.js": True,
    }
    scripts = [
        *([_vega()] if is_drawn else []),
        *(_file(name) for name, is_wanted in wanted.items() if is_wanted),
    ]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            page=page,
            style=_file("page.css"),
            scripts=scripts,
            policy=_policy(scripts, is_live=is_live),
            has_charts=has_charts,
            is_drawn=is_drawn,
            version=__version__,
            how_to_install=HOW_TO_INSTALL,
        )
    )


def _policy(scripts: list[str], *, is_live: bool) -> str:
    """What the page may load and run. Source: https://www.w3.org/TR/CSP3"""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    rules = ["default-src 'none'", f"script-src {allowed}", "style-src 'unsafe-inline'", "base-uri 'none'"]
    return "; ".join([*rules, "connect-src 'self'"] if is_live else rules)


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed, which nothing else on the page is to see."""
    import vl_convert

    bundle: str = vl_convert.javascript_bundle(_EXPORTED)
    return f"(() => {{{bundle}}})();".replace("</script", "<\\/script")


@cache
def _file(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _environment() -> jinja2.Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(_file),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
