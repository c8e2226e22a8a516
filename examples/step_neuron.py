"""The lecture's neuron: two inputs, two weights, a bias, tanh. Every gradient is a chain of local derivatives."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value

x1, x2 = Value(2.0), Value(0.0)
w1, w2 = Value(-3.0), Value(1.0)
b = Value(6.8813735870195432)
n = x1 * w1 + x2 * w2 + b
o = n.tanh()
save(o, "neuron", locals(), edges=True)

check("o = tanh(n)", o.data, 0.7071)
check("do/dn = 1 - o * o", n.grad, 0.5)
check("gradients of w1, w2", [w1.grad, w2.grad], [1.0, 0.0])
check("gradients of x1, x2", [x1.grad, x2.grad], [-1.5, 0.5])
check("gradient of b", b.grad, 0.5)

# tanh can be written with smaller operations: the value and the gradients are the same, with more steps.
w1.grad = None
e = ((x1 * w1 + x2 * w2 + b) * 2).exp()
apart = (e - 1) / (e + 1)
apart.backward()
check("tanh taken apart", apart.data, 0.7071)
check("the gradient of w1 through it", w1.grad, 1.0)

finish()
