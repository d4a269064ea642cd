"""An operator over other operands: one step of rewriting an expression."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from aimass_compiler.expression.algebra import Expression


def with_operands(expression: Expression, operands: Iterator[Expression]) -> Expression:
    """The same operator over other operands, in their order."""
    changes: dict[str, Any] = {}
    for name in expression.__struct_fields__:
        value = getattr(expression, name)
        if isinstance(value, Expression):
            changes[name] = next(operands)
        elif isinstance(value, tuple) and any(isinstance(part, Expression) for part in value):
            changes[name] = tuple(next(operands) for _ in value)
    return replace(expression, **changes) if changes else expression
