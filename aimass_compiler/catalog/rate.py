"""How many in a time: requests, rows or tokens."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from aimass_compiler.catalog.quantities import _Amount


class Rate(_Amount):
    """So many in a time, such as `50/s`, `600/m` or `100000/d`."""

    __slots__ = ()
    #: How many in a day one in each time is.
    units: ClassVar[Mapping[str, Decimal]] = {
        "/s": Decimal(86_400), "/m": Decimal(1440), "/h": Decimal(24), "/d": Decimal(1),
    }  # fmt: skip
    slips: ClassVar[Mapping[str, str]] = {
        **dict.fromkeys(("rps", "qps", "tps"), "/s"),
        **dict.fromkeys(("rpm", "qpm", "tpm"), "/m"),
        **dict.fromkeys(("rpd", "tpd"), "/d"),
    }
    noun = "a rate"
    examples = ("50/s", "6000/m")
    least = "1/d"
    most = "1000000000/s"

    @classmethod
    def pattern(cls) -> str:
        return rf"([0-9]+)({'|'.join(cls.units)})"

    @property
    def number(self) -> int:
        """How many."""
        return int(self.partition("/")[0])

    @property
    def seconds(self) -> int:
        """In how many seconds."""
        return int(self.units["/s"] / self.units[self[-2:]])
