"""One tree of changes, in lines and in a block of Markdown."""

from __future__ import annotations

from aimass_compiler.cli.terminal import coloured
from aimass_compiler.cli.views.changes import as_markdown, as_text
from aimass_compiler.impact.changes import Change, Sign

FIELD = Change(Sign.NONE, "spec.replicas: 2 → 3", children=(Change(Sign.NONE, "-a"), Change(Sign.NONE, "+b")))
TREE = Change(
    Sign.NONE,
    "churn",
    reason=": 1 to change",
    children=(
        Change(Sign.CHANGED, "Deployment churn", location="specs/churn.yaml:3", children=(FIELD,)),
        Change(Sign.NONE, "files", children=(Change(Sign.ADDED, "a.yaml", reason="  is new"),)),
    ),
)


def test_each_level_stands_further_in() -> None:
    assert as_text(TREE) == (
        "churn: 1 to change\n"
        "  ~ Deployment churn  specs/churn.yaml:3\n"
        "      spec.replicas: 2 → 3\n"
        "        -a\n"
        "        +b\n"
        "  files\n"
        "    + a.yaml  is new\n"
    )


def test_signs_stand_in_the_first_column_of_a_block() -> None:
    assert as_markdown("churn in dev", TREE) == (
        "### churn in dev\n"
        "\n"
        "```diff\n"
        "  churn: 1 to change\n"
        "!   Deployment churn  specs/churn.yaml:3\n"
        "      spec.replicas: 2 → 3\n"
        "        -a\n"
        "        +b\n"
        "  files\n"
        "+   a.yaml  is new\n"
        "```\n"
        "\n"
    )


def test_nothing_inside_drives_a_terminal_or_ends_the_block() -> None:
    hostile = Change(Sign.ADDED, "```\x1b[31m", reason="\u202e", location="\x07")
    assert "\x1b" not in as_text(hostile)
    drawn = as_markdown("`\x1b", hostile)
    assert not {"\x1b", "\u202e", "\x07"} & set(drawn)
    assert drawn.count("````") == len(("begin", "end"))


def test_colours_are_of_signs_titles_and_locations() -> None:
    assert as_text(TREE, coloured).splitlines()[:2] == [
        "\x1b[1mchurn\x1b[0m: 1 to change",
        "  \x1b[33m~\x1b[0m Deployment churn\x1b[2m  specs/churn.yaml:3\x1b[0m",
    ]
