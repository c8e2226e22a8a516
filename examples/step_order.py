"""b = a + a; c = b + b: why a node passes its gradient on only when every contribution to it has arrived."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value

a = Value(3.0)
b = a + a
c = b + b
save(c, "order", locals(), edges=True)

check("c = 4 a", c.data, 12.0)
check("dc/db: two contributions of 1, added", b.grad, 2.0)
check("dc/da: b passes on its 2, twice", a.grad, 4.0)

# If b does not wait, it passes on the first 1, and then the 2 that it has after the second 1 arrives.
in_a_hurry = (1.0 + 1.0) + (2.0 + 2.0)
check("dc/da when b passes on too early: wrong", in_a_hurry, 6.0)

# If contributions overwrite each other, only the second one is left.
overwritten = 1.0
check("dc/db when contributions overwrite each other: wrong", overwritten, 1.0)

finish()
