"""The lecture's exercise: the negative log-likelihood of the softmax of four logits, number by number."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value, cross_entropy

logits = [Value(0.0), Value(3.0), Value(-2.0), Value(1.0)]
label = 3
counts = [logit.exp() for logit in logits]
total = counts[0] + counts[1] + counts[2] + counts[3]
probs = [count / total for count in counts]
loss = -probs[label].log()
save(loss, "softmax_nll", {"logits": logits, "counts": counts, "total": total, "probs": probs, "loss": loss})

check("loss", loss.data, 2.1755153626167147)
check("gradient", [logit.grad for logit in logits], [0.0417725705, 0.8390245074, 0.0056533026, -0.8864503806])
check("which is probs, minus 1 at the label", [p.data - (k == label) for k, p in enumerate(probs)],
      [0.0417725705, 0.8390245074, 0.0056533026, -0.8864503806])  # fmt: skip

# cross_entropy does the same in one call; it subtracts the maximum first.
x = Value([0.0, 3.0, -2.0, 1.0])
by_function = cross_entropy(x, label)
by_function.backward()
check("cross_entropy of the same logits", by_function.item(), 2.1755153626167147)
check("its gradient", x.grad.tolist(), [0.0417725705, 0.8390245074, 0.0056533026, -0.8864503806])

finish()
