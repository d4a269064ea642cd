"""Names that NumPy took away and that MXNet 1.9.1, its last release, still asks for when it is imported.

Source: https://numpy.org/doc/stable/release/1.24.0-notes.html and https://numpy.org/doc/stable/numpy_2_0_migration_guide.html
"""

from __future__ import annotations

from typing import Any, NoReturn

#: Aliases of Python's own types.
_TYPES = {"bool": bool, "complex": complex, "float": float, "int": int, "object": object, "str": str}
_CONSTANTS = {
    "PZERO": 0.0, "NZERO": -0.0, "NINF": -float("inf"),
    **dict.fromkeys(("Inf", "Infinity", "PINF", "infty"), float("inf")),
    **dict.fromkeys(("NAN", "NaN"), float("nan")),
}  # fmt: skip
#: What went by another name → what it is called today, and before that where both are.
_RENAMED = {
    "alltrue": "all", "cumproduct": "cumprod", "float_": "float64", "in1d": "isin", "msort": "sort",
    "product": "prod", "round_": "round", "row_stack": "vstack", "sometrue": "any", "trapz": "trapezoid",
}  # fmt: skip
#: Functions that became a package of their own; MXNet names them and calls none.
_FINANCIAL = ("fv", "ipmt", "irr", "mirr", "nper", "npv", "pmt", "ppmt", "pv", "rate")


def put_back() -> None:
    """Give `numpy` the names that it lacks; what it has stays. Only for a process that trains with MXNet."""
    import numpy

    there: dict[str, Any] = vars(numpy)
    lacking = {
        **_TYPES,
        **_CONSTANTS,
        **{name: there[today] for name, today in _RENAMED.items() if today in there},
        **dict.fromkeys(_FINANCIAL, _not_there),
    }
    there.update({name: value for name, value in lacking.items() if name not in there})


def _not_there(*_: Any) -> NoReturn:
    raise NotImplementedError("NumPy has no financial functions any more")
