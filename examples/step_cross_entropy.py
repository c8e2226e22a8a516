"""Cross-entropy of three rows of logits, walked through: log_softmax, then nll_loss, and p - y on the way back."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value, cross_entropy, one_hot, softmax

logits = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]])
target = [2, 0, 1]
loss = cross_entropy(logits, target)
save(loss, "cross_entropy", locals())

expected = [[0.0808, 0.2197, -0.3005], [-0.1582, 0.0870, 0.0712], [0.0572, -0.2291, 0.1719]]
check("loss", loss.item(), 1.3743)
check("gradient", logits.grad.tolist(), expected)
p_minus_y = softmax(logits, dim=1) - one_hot(target, 3)
check("(p - y) / 3: the mean over three rows", (p_minus_y / 3).tolist(), expected)

finish()
