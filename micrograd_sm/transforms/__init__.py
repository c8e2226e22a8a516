"""Transforms of functions: the gradient, Jacobian and Hessian of a function of Values, to any order.

>>> from micrograd_sm import grad
>>> def cube(x):
...     return x * x * x
>>> grad(cube)(2.0), grad(grad(cube))(2.0)
(Value(12., requires_grad=False), Value(12., requires_grad=False))

The differentiated arguments and the results of the function are numbers, Values and arrays, or nested lists, tuples and
dicts of them. So a list is a structure of numbers; `Value([1.0, 2.0])` is a tensor. Derivatives are Values in the same
structure. The function gets inputs of its own: its arguments and the variables around it do not change, nor does any `.grad`.

Results can be differentiated again, by transforms and by `backward()`, by everything that required a gradient when the
function was called. This needs a graph of the gradient; numbers, `detach()` and `no_grad()` avoid it.
Source: torch.func. Names, argument order, structures and errors are the same, unless a docstring says otherwise.
"""

from micrograd_sm.transforms.functions import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, value_and_grad, vjp

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "value_and_grad", "vjp"]
