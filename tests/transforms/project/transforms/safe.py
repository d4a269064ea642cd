"""What transforms of this project share."""

from aimass_compiler.expression.algebra import Arithmetic, Constant


def divided(one, other, offset):
    """One number by another, to which something is added first."""
    return Arithmetic("divide", one, Arithmetic("add", other, Constant(offset)))
