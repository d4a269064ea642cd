"""What optimizers do to weights, as arithmetic that the arrays of any framework can do.

The libraries' own optimizers of one name differ: in where Adam adds its epsilon, in what AdaGrad starts from,
in whether weight decay goes through the gradient and in what momentum means when the learning rate changes.
These are PyTorch's (https://docs.pytorch.org/docs/stable/optim.html), so that a spec means one thing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from aimass_compiler.catalog.optimizer import Optimizer

#: An array of a framework, with its operators.
Array = Any
#: How far a weight goes for a learning rate of 1, and what the optimizer remembers of it from now on.
Update = tuple[Array, Sequence[Array]]
#: Adam's, as Kingma and Ba (2015) propose them.
_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
_ADAGRAD_EPSILON = 1e-10
#: What PyTorch adds to the norm of the gradients before it divides by it.
NORM_EPSILON = 1e-6


class _Step(NamedTuple):
    """What a rule reads of one weight."""

    weight: Array
    gradient: Array
    memory: Sequence[Array]
    """What the optimizer remembers of the weight, such as a velocity."""
    corrections: Sequence[Array]
    sqrt: Callable[[Array], Array]

    def decayed(self, weight_decay: float) -> Array:
        """The gradient with L2 weight decay added."""
        return self.gradient + weight_decay * self.weight


def memories(optimizer: Optimizer) -> int:
    """How many arrays of a weight's shape an optimizer remembers of it; all start from 0."""
    count, _ = _RULES[optimizer.kind]
    return count


def corrections(step: int) -> tuple[float, float]:
    """What Adam's running means of the gradient and of its square are divided by, because they begin at 0."""
    return 1 - _BETA_1**step, 1 - _BETA_2**step


def updated(
    optimizer: Optimizer,
    weight: Array,
    gradient: Array,
    memory: Sequence[Array],
    reached: Sequence[Array],
    sqrt: Callable[[Array], Array],
) -> Update:
    """The update of a weight by the optimizer; `reached` is what `corrections` gives for the step, from 1."""
    _, rule = _RULES[optimizer.kind]
    return rule(optimizer, _Step(weight, gradient, memory, reached, sqrt))


def _sgd(optimizer: Any, step: _Step) -> Update:
    gradient = step.decayed(optimizer.weight_decay)
    velocity = optimizer.momentum * step.memory[0] + gradient
    return gradient + optimizer.momentum * velocity if optimizer.nesterov else velocity, [velocity]


def _adam(optimizer: Any, step: _Step) -> Update:
    return _adam_without_decay(step._replace(gradient=step.decayed(optimizer.weight_decay)))


def _adamw(optimizer: Any, step: _Step) -> Update:
    far, memory = _adam_without_decay(step)
    return far + optimizer.weight_decay * step.weight, memory


def _adam_without_decay(step: _Step) -> Update:
    mean = _BETA_1 * step.memory[0] + (1 - _BETA_1) * step.gradient
    square = _BETA_2 * step.memory[1] + (1 - _BETA_2) * step.gradient * step.gradient
    size = step.sqrt(square / step.corrections[1]) + _EPSILON
    return (mean / step.corrections[0]) / size, [mean, square]


def _adagrad(optimizer: Any, step: _Step) -> Update:
    gradient = step.decayed(optimizer.weight_decay)
    total = step.memory[0] + gradient * gradient
    return gradient / (step.sqrt(total) + _ADAGRAD_EPSILON), [total]


def _rmsprop(optimizer: Any, step: _Step) -> Update:
    gradient = step.decayed(optimizer.weight_decay)
    square = optimizer.alpha * step.memory[0] + (1 - optimizer.alpha) * gradient * gradient
    mean = optimizer.alpha * step.memory[1] + (1 - optimizer.alpha) * gradient
    size = step.sqrt(square - mean * mean if optimizer.centered else square) + _EPSILON
    velocity = optimizer.momentum * step.memory[2] + gradient / size
    return velocity, [square, mean, velocity]


#: Of each optimizer, how many arrays it remembers of a weight, and its rule.
_RULES: dict[str, tuple[int, Callable[..., Update]]] = {
    "adagrad": (1, _adagrad),
    "adam": (2, _adam),
    "adamw": (2, _adamw),
    "rmsprop": (3, _rmsprop),
    "sgd": (1, _sgd),
}
