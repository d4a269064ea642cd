"""A model as a user may write one: a linear model by its own mathematics, with its own graph."""

from __future__ import annotations

import numpy
from onnx import TensorProto, helper, numpy_helper
from sklearn.linear_model import LogisticRegression, Ridge


class Linear:
    """Classes where `y` is whole numbers, else a number; to_onnx computes in double."""

    def __init__(self, penalty=1.0, random_state=None):
        self.penalty, self.random_state = penalty, random_state

    def fit(self, x, y, sample_weight=None, progress=None):
        x = numpy.asarray(x, numpy.float64)
        if y.dtype.kind == "i":
            self.estimator = LogisticRegression(C=1 / self.penalty, max_iter=1000)
        else:
            self.estimator = Ridge(alpha=self.penalty)
        self.estimator.fit(x, y, sample_weight)
        if progress is not None and not progress(1, train_loss=1.0, validation_loss=1.0):
            progress(2, train_loss=0.5, validation_loss=0.5)
        return self

    def predict(self, x):
        return self.estimator.predict(numpy.asarray(x, numpy.float64))

    def predict_proba(self, x):
        return self.estimator.predict_proba(numpy.asarray(x, numpy.float64))

    @property
    def feature_importances_(self):
        return numpy.abs(numpy.atleast_2d(self.estimator.coef_)).mean(axis=0)

    def to_onnx(self):
        weights, bias = numpy.atleast_2d(self.estimator.coef_).T, numpy.atleast_1d(self.estimator.intercept_)
        is_number = isinstance(self.estimator, Ridge)
        if not is_number and weights.shape[1] == 1:
            weights, bias = numpy.hstack([0 * weights, weights]), numpy.array([0, bias[0]])
        last = helper.make_node("Identity" if is_number else "Softmax", ["sums"], ["scores"])
        graph = helper.make_graph(
            [
                helper.make_node("Cast", ["features"], ["precise"], to=TensorProto.DOUBLE),
                helper.make_node("MatMul", ["precise", "weights"], ["products"]),
                helper.make_node("Add", ["products", "bias"], ["sums"]),
                last,
            ],
            "linear",
            [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["N", len(weights)])],
            [helper.make_tensor_value_info("scores", TensorProto.DOUBLE, ["N", weights.shape[1]])],
            [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
        )
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
