"""Functions to functions: the gradient, Jacobian, Hessian of a function of Values, to any order.

>>> from micrograd_sm import grad
>>> def cube(x):
...     return x * x * x
>>> grad(cube)(2.0), grad(grad(cube))(2.0)
(Value(12., requires_grad=False), Value(12., requires_grad=False))

The arguments that are differentiated, and what the function returns, are numbers, Values and arrays, or nested lists,
tuples and dicts of them. So a list is a structure of numbers, not a tensor: `Value([1.0, 2.0])` is a tensor. Results
are Values in the same structure. The function gets inputs of its own: nothing that it was called with or closes over is
changed, and no `.grad` is written.

Results can be differentiated again, by transforms and by `backward()`, with regard to whatever required a gradient when
the function was called. That takes a graph of the gradient; numbers, `detach()` and `no_grad()` do without.
Source: torch.func, whose names, argument order, structures and errors these are, unless a docstring says otherwise.
"""

from micrograd_sm.transforms.functions import grad, hessian, hvp, jacfwd, jacobian, jacrev, jvp, value_and_grad, vjp

__all__ = ["grad", "hessian", "hvp", "jacfwd", "jacobian", "jacrev", "jvp", "value_and_grad", "vjp"]
