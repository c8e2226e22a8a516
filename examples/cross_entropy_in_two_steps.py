"""cross_entropy is log_softmax and then nll_loss: the same loss, and the same gradient (p - y) / N."""

from _check import check, finish

from micrograd_sm import Value, cross_entropy, log_softmax, nll_loss, softmax

scores = [[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]]
target = [2, 0, 1]

logits = Value(scores)
loss = cross_entropy(logits, target)
loss.backward()
check("in one step", loss.item(), 1.3743)

same_logits = Value(scores)
log_probs = log_softmax(same_logits, dim=1)
same_loss = nll_loss(log_probs, target)
same_loss.backward()
expected = [[-1.4170, -0.4170, -2.3170], [-0.6435, -1.3435, -1.5435], [-1.7624, -1.1624, -0.6624]]
check("in two steps: log_softmax", log_probs.tolist(), expected)
check("in two steps: nll_loss of it", same_loss.item(), 1.3743)

gradient = [[0.0808, 0.2197, -0.3005], [-0.1582, 0.0870, 0.0712], [0.0572, -0.2291, 0.1719]]
check("gradient, in one step", logits.grad.tolist(), gradient)
check("gradient, in two steps", same_logits.grad.tolist(), gradient)

one_hot = [[0, 0, 1], [1, 0, 0], [0, 1, 0]]
by_rule = (softmax(scores, dim=1) - one_hot) / 3
check("gradient, by the rule (p - y) / N", by_rule.tolist(), gradient)

finish()
