"""nll_loss picks each row's log-probability at the target, changes its sign, and averages."""

from _check import check, finish

from micrograd_sm import Value, nll_loss

log_probs = Value([[-0.5, -1.0, -2.0], [-0.1, -2.0, -0.9], [-1.5, -0.2, -1.3], [-0.3, -0.8, -0.5]])
target = [0, 2, 1, 0]

loss = nll_loss(log_probs, target)
check("nll_loss by the function", loss.item(), 0.475)

by_hand = -((-0.5) + (-0.9) + (-0.2) + (-0.3)) / 4
check("by hand, from the four picked entries", by_hand, 0.475)

picked = log_probs[[0, 1, 2, 3], target]
check("by indexing: the picked entries", picked.tolist(), [-0.5, -0.9, -0.2, -0.3])
check("by indexing: the loss", (-picked.mean()).item(), 0.475)

# Only the picked entries move the loss, each by -1/4.
loss.backward()
check("gradient", log_probs.grad.tolist(), [[-0.25, 0.0, 0.0], [0.0, 0.0, -0.25], [0.0, -0.25, 0.0], [-0.25, 0.0, 0.0]])

finish()
