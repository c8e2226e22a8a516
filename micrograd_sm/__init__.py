from micrograd_sm.engine import Value
from micrograd_sm.mode import no_grad
