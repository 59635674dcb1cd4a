"""Value: its gradients against finite differences, its order, and graphs of any depth."""

import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from microgpt.autograd import Value, topological_order, zero_grad

Expression = Callable[[Sequence[Any]], Any]


def exp(x: Any) -> Any:
    return x.exp() if isinstance(x, Value) else math.exp(x)


def log(x: Any) -> Any:
    return x.log() if isinstance(x, Value) else math.log(x)


def relu(x: Any) -> Any:
    return x.relu() if isinstance(x, Value) else max(0.0, x)


EXPRESSIONS: dict[str, tuple[int, Expression]] = {
    "lesson": (2, lambda x: x[0] * x[1] + x[0]),
    "difference": (2, lambda x: (x[0] - x[1]) * (2.0 - x[0])),
    "quotient": (2, lambda x: x[0] / (x[1] * x[1] + 1.0)),
    "reciprocal": (1, lambda x: 1.0 / (x[0] ** 2 + 0.5)),
    "power": (2, lambda x: (x[0] ** 2 + 0.1) ** -0.5 * x[1] ** 3),
    "exponential": (2, lambda x: exp(x[0] * 0.5) - exp(-x[1] * 0.3)),
    "logarithm": (2, lambda x: log(x[0] ** 2 + 0.3) * x[1]),
    "neuron": (3, lambda x: relu(x[0] * x[1] + x[2] + 20.0) - relu(x[0] * x[1] + x[2] - 20.0)),
    "reused": (2, lambda x: (lambda c: c * c * x[0] + exp(c * 0.1) - c)(x[0] * x[1] + x[1])),
    "softmax": (3, lambda x: log(exp(x[1]) / (exp(x[0]) + exp(x[1]) + exp(x[2])))),
    "norm": (3, lambda x: x[0] * ((x[0] ** 2 + x[1] ** 2 + x[2] ** 2) / 3 + 1e-5) ** -0.5),
}

numbers = st.floats(min_value=-3, max_value=3, allow_nan=False).map(lambda x: round(x, 3))


def slope(f: Callable[[float], float], x: float, h: float = 1e-3) -> float:
    """df/dx by central differences, the error of order h² removed: error of order h⁴."""

    def central(step: float) -> float:
        return (f(x + step) - f(x - step)) / (2 * step)

    return (4 * central(h / 2) - central(h)) / 3


@pytest.mark.parametrize("name", EXPRESSIONS)
@given(data=st.data())
def test_gradient_is_the_slope(name: str, data: st.DataObject) -> None:
    count, expression = EXPRESSIONS[name]
    at = data.draw(st.lists(numbers, min_size=count, max_size=count))
    if name == "norm" and math.hypot(*at) < 0.5:
        at = [a + 1.0 for a in at]  # it bends too sharply near 0 for finite differences
    leaves = [Value(a) for a in at]
    result = expression(leaves)
    assert math.isclose(result.data, expression(at), rel_tol=1e-12, abs_tol=1e-12)
    result.backward()
    for i, leaf in enumerate(leaves):

        def along(a: float, i: int = i) -> float:
            return float(expression([*at[:i], a, *at[i + 1 :]]))

        assert math.isclose(leaf.grad, slope(along, at[i]), rel_tol=1e-6, abs_tol=1e-6)


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """A random straight program: each line takes two earlier results."""
    size = draw(st.integers(1, 25))
    kinds = st.sampled_from(["add", "mul", "sub", "relu", "square", "exp", "log"])
    return [(draw(kinds), draw(st.integers(0, i + 2)), draw(st.integers(0, i + 2)))
            for i in range(size)]  # fmt: skip


@given(programs(), st.lists(numbers, min_size=3, max_size=3))
def test_gradient_equals_forward_mode(program: list[tuple[str, int, int]], at: list[float]) -> None:
    """The chain rule run the other way round, with (value, slope) pairs, gives the same."""
    gradients = []
    leaves = [Value(a) for a in at]
    run(program, leaves).backward()
    gradients = [leaf.grad for leaf in leaves]
    for i in range(3):
        dual = run(program, [Dual(a, float(i == j)) for j, a in enumerate(at)])
        assert math.isclose(gradients[i], dual.slope, rel_tol=1e-9, abs_tol=1e-9)


class Dual:
    """A number and its slope along one direction."""

    def __init__(self, data: float, slope: float) -> None:
        self.data, self.slope = data, slope

    def __add__(self, other: "Dual") -> "Dual":
        return Dual(self.data + other.data, self.slope + other.slope)

    def __sub__(self, other: "Dual") -> "Dual":
        return Dual(self.data - other.data, self.slope - other.slope)

    def __mul__(self, other: "Dual | float") -> "Dual":
        if not isinstance(other, Dual):
            other = Dual(other, 0.0)
        return Dual(self.data * other.data, self.slope * other.data + self.data * other.slope)

    def __rmul__(self, other: float) -> "Dual":
        return self * other

    def __pow__(self, power: int) -> "Dual":
        return Dual(self.data**power, power * self.data ** (power - 1) * self.slope)

    def relu(self) -> "Dual":
        return Dual(max(0.0, self.data), self.slope if self.data > 0 else 0.0)

    def exp(self) -> "Dual":
        return Dual(math.exp(self.data), math.exp(self.data) * self.slope)

    def log(self) -> "Dual":
        return Dual(math.log(self.data), self.slope / self.data)


def run(program: list[tuple[str, int, int]], leaves: Sequence[Any]) -> Any:
    """Results are pressed into a small range by a factor, so that nothing overflows."""
    results = list(leaves)
    for kind, i, j in program:
        a, b = results[i], results[j]
        if kind in ("add", "mul", "sub"):
            made = {"add": a + b, "sub": a - b, "mul": a * b}[kind]
        elif kind == "square":
            made = a**2
        elif kind == "log":
            made = (a * a + type(a)(*(1.0, 0.0)[: 2 if isinstance(a, Dual) else 1])).log()
        else:
            made = getattr(a, kind)() if kind == "relu" or a.data < 3 else a
        if abs(made.data) > 10:
            made = made * (1 / made.data)
        results.append(made)
    return results[-1]


def test_each_node_once_children_first_left_to_right() -> None:
    a, b = Value(2.0), Value(3.0)
    product = a * b
    root = (product + a) * product
    order = topological_order(root)
    assert [id(v) for v in order] == [id(v) for v in (a, b, product, root.children[0], root)]


def test_order_of_additions_is_left_to_right() -> None:
    """(1e16 + 1) - 1e16 is 0 in floats, 1 + (1e16 - 1e16) is 1: the order shows in the result."""
    total = Value(1e16) + 1.0 + -1e16
    assert total.data == 0.0
    x = Value(1.0)
    uses = [x * 1.0, x * 1e16, x * -1e16]
    (uses[0] + uses[1] + uses[2]).backward()
    assert x.grad == ((-1e16 + 1e16) + 1.0)  # the last use hands on first


def test_gradients_add_up_until_they_are_set_to_zero() -> None:
    x = Value(3.0)
    y = x * x
    y.backward()
    assert x.grad == 6.0
    (x * 2.0).backward()
    assert x.grad == 8.0
    zero_grad([x, y])
    assert (x.grad, y.grad) == (0.0, 0.0)


def test_backward_on_a_leaf() -> None:
    x = Value(3.0)
    x.backward()
    assert x.grad == 1.0


def test_numbers_on_both_sides() -> None:
    x = Value(4.0)
    for made, expected in (
        (x + 1, 5.0), (1 + x, 5.0), (x - 1, 3.0), (1 - x, -3.0), (x * 2, 8.0), (2 * x, 8.0),
        (x / 2, 2.0), (2 / x, 0.5), (-x, -4.0), (x**0.5, 2.0),
    ):  # fmt: skip
        assert made.data == expected


def test_what_has_no_value_raises() -> None:
    with pytest.raises(ValueError, match=r"math domain error|expected a positive"):
        Value(0.0).log()
    with pytest.raises(OverflowError):
        Value(1000.0).exp()
    with pytest.raises(ZeroDivisionError):
        Value(1.0) / Value(0.0)


def test_relu_at_zero() -> None:
    for data in (0.0, -0.0):
        x = Value(data)
        y = x.relu()
        y.backward()
        assert (y.data, math.copysign(1, y.data), x.grad) == (0.0, 1.0, 0.0)


def test_no_recursion_in_a_deep_graph() -> None:
    x = Value(1.0)
    total = x
    for _ in range(200_000):
        total = total + x
    total.backward()
    assert total.data == x.grad == 200_001.0
    del total  # freed without recursion too


def test_a_deep_graph_of_products() -> None:
    x = Value(1.0)
    y = x
    for _ in range(100_000):
        y = y * x
    y.backward()
    assert x.grad == 100_001.0


def test_module_shows_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "microgpt.autograd"], capture_output=True, text=True, check=True
    )
    assert "L = 8   dL/da = 4 (b + 1)   dL/db = 2 (a)" in done.stdout
    assert "0.0040" in done.stdout


def test_repr_shows_both_numbers() -> None:
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0.0)"
