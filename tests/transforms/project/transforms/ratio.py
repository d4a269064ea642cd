"""A transform that learns: how far charges are above their mean, for each month of tenure."""

from safe import divided

from aimass_compiler.expression.algebra import Arithmetic, Constant
from aimass_compiler.expression.statistics import Summary


class Ratio:
    def __init__(self, offset):
        self.offset = offset

    def learn(self, table):
        return {"mean": Summary(table["charges"], "mean")}

    def apply(self, table, learned):
        above = Arithmetic("subtract", table["charges"], Constant(learned["mean"]))
        return {"ratio": divided(above, table["tenure"], self.offset), "charges": None}
