"""Automatic differentiation on single numbers.

A ``Value`` is a number that remembers how it was made: from which other values (its children),
and how fast it changes with each of them (its local gradients). ``backward`` walks from the loss
back to the leaves and multiplies those rates along every path: the chain rule.

Source: the ``Value`` of Karpathy's micrograd and microgpt; here with the children in a tuple, so
that the order of additions, and so the last bit, is the same in every run, and with a walk that
needs no recursion, so that graphs may be as deep as memory allows.
"""

from __future__ import annotations

import math
from collections.abc import Iterable


class Value:
    """A number in a computation graph.

    ``data`` is the number, ``grad`` is dL/d(this) after ``L.backward()``, both plain floats.
    ``children``: the values it was computed from; ``local_grads``: how fast it changes with each.
    Operations: ``+ - * /``, ``**`` by a plain number, ``log``, ``exp``, ``relu``. They raise what
    Python's own arithmetic raises, such as ``ZeroDivisionError``.

    Example:
        >>> import microgpt
        >>> a, b = microgpt.Value(2.0), microgpt.Value(3.0)
        >>> loss = a * b + a
        >>> loss.backward()
        >>> loss.data, a.grad, b.grad
        (8.0, 4.0, 2.0)
    """

    __slots__ = ("children", "data", "grad", "local_grads")

    def __init__(
        self,
        data: float,
        children: tuple[Value, ...] = (),
        local_grads: tuple[float, ...] = (),
    ) -> None:
        self.data = data
        self.grad = 0.0
        self.children = children
        self.local_grads = local_grads

    def __add__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = Value(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __pow__(self, power: float) -> Value:
        """``self ** power`` for a plain number; d/dx x^p = p x^(p-1)."""
        return Value(self.data**power, (self,), (power * self.data ** (power - 1),))

    def log(self) -> Value:
        """Natural logarithm; needs ``data > 0``, else ``ValueError`` like ``math.log``."""
        return Value(math.log(self.data), (self,), (1 / self.data,))

    def exp(self) -> Value:
        """e to the power of this value; ``OverflowError`` above about 709, like ``math.exp``."""
        result = math.exp(self.data)
        return Value(result, (self,), (result,))

    def relu(self) -> Value:
        """The positive part, max(0, x); the gradient at 0 is taken as 0."""
        return Value(max(0.0, self.data), (self,), (float(self.data > 0),))

    def __neg__(self) -> Value:
        return self * -1

    def __radd__(self, other: float) -> Value:
        return self + other

    def __sub__(self, other: Value | float) -> Value:
        return self + (-other)

    def __rsub__(self, other: float) -> Value:
        return (-self) + other

    def __rmul__(self, other: float) -> Value:
        return self * other

    def __truediv__(self, other: Value | float) -> Value:
        """``a / b`` is computed as ``a * b**-1``, so that division needs no rule of its own."""
        return self * other**-1

    def __rtruediv__(self, other: float) -> Value:
        return self**-1 * other

    def __repr__(self) -> str:
        return f"Value(data={self.data!r}, grad={self.grad!r})"

    def backward(self) -> None:
        """Add dL/d(node) to ``grad`` of every node below, where L is this value."""
        order = topological_order(self)
        self.grad = 1.0
        for node in reversed(order):
            for child, local in zip(node.children, node.local_grads, strict=True):
                child.grad += local * node.grad


def topological_order(root: Value) -> list[Value]:
    """All nodes that ``root`` depends on, children before parents, ``root`` last.

    Post-order depth-first, children from left to right, each node once: this order fixes the
    order of the additions in ``backward``, and with it the result to the last bit.
    """
    order: list[Value] = []
    seen = {id(root)}
    stack = [(root, iter(root.children))]
    while stack:
        node, rest = stack[-1]
        for child in rest:
            if id(child) not in seen:
                seen.add(id(child))
                stack.append((child, iter(child.children)))
                break
        else:
            order.append(node)
            stack.pop()
    return order


def zero_grad(values: Iterable[Value]) -> None:
    """Set ``grad`` of every given value to 0, before the next ``backward``."""
    for value in values:
        value.grad = 0.0


def _demo() -> None:
    """L = a*b + a: nudging a by 0.001 moves L by 0.004, which is what a.grad says."""
    a, b = Value(2.0), Value(3.0)
    loss = a * b + a
    loss.backward()
    print("L = a*b + a   with a = 2, b = 3")
    print(f"L = {loss.data:g}   dL/da = {a.grad:g} (b + 1)   dL/db = {b.grad:g} (a)")
    nudged = (a.data + 0.001) * b.data + (a.data + 0.001)
    print(f"a nudged by 0.001: L moves by {nudged - loss.data:.4f}")


if __name__ == "__main__":
    _demo()
