"""Write alike what means the same: lower case, no accents, single spaces, plain forms of letters (NFKC)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from aimass_compiler.catalog.transform import EachColumn
from aimass_compiler.expression import column_types
from aimass_compiler.expression.algebra import Expression
from aimass_compiler.expression.texts import Normalized


class NormalizeText(EachColumn):
    """Write alike what means the same: lower case, no accents, single spaces, plain forms of letters (NFKC).

    Letters are normalised one by one: full-width letters, ligatures and circled digits become plain ones. A
    text of nothing but white space is missing.
    """

    accepts: ClassVar[column_types.Accepted] = (column_types.Text, column_types.Category)
    examples: ClassVar[tuple[Any, ...]] = (
        "note",
        {"columns": ["note", "plan"], "case": "keep"},
        {"columns": "plan", "accents": "keep"},
        {"columns": "note", "case": "keep", "accents": "keep"},
    )

    case: Literal["lower", "keep"] = "lower"
    """Whether capital letters become small ones, those of all alphabets."""
    accents: Literal["remove", "keep"] = "remove"
    """Whether accents and all other marks that combine with letters are removed: `é` becomes `e`. Keep them
    for Hindi, Thai, Hebrew and other scripts whose marks are vowels."""

    def apply_column(self, name: str, column: Expression, learned: Mapping[str, Any]) -> Expression:
        del name, learned
        return Normalized(column, self.case == "lower", self.accents == "remove")
