"""A maximum with two equal elements: which of them gets the gradient is a convention, and there are two conventions."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value

x = Value([2.0, 5.0, 5.0])
top = x.amax(dim=0)
loss = top * top
save(loss, "max_ties", locals(), edges=True)
check("amax: the largest, and those that tie share the gradient", x.grad.tolist(), [0.0, 5.0, 5.0])

x.grad = None
first = x.max(dim=0)
(first.values * first.values).backward()
check("max with a dim: the one at .indices takes all of it", x.grad.tolist(), [0.0, 10.0, 0.0])
check("which is", first.indices.item(), 1)

# Both are right: at a tie the maximum has a corner, and every split between the two is a subgradient.
step = 1e-3
check("a step up at one of them", (max(2.0, 5.0 + step, 5.0) ** 2 - 25.0) / step, 10.0010)
check("a step down at one of them", (max(2.0, 5.0 - step, 5.0) ** 2 - 25.0) / step, 0.0)

finish()
