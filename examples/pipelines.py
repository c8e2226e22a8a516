"""Training ends with a loss and its gradient; inference ends with probabilities and classes drawn from them."""

from _check import check, finish

from micrograd_sm import Value, cross_entropy, manual_seed, multinomial, softmax

logits = Value([[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]])
target = [2, 0, 1]

# Training: logits -> cross_entropy -> backward. No softmax before it: cross_entropy takes the logits.
loss = cross_entropy(logits, target)
loss.backward()
check("training: loss", loss.item(), 1.3743)
check(
    "training: gradient",
    logits.grad.tolist(),
    [[0.0808, 0.2197, -0.3005], [-0.1582, 0.0870, 0.0712], [0.0572, -0.2291, 0.1719]],
)

better = logits.detach() - 1.0 * logits.grad
check("training: loss after one step against the gradient", cross_entropy(better, target).item(), 1.1185)

# Inference: logits -> softmax -> multinomial.
probs = softmax(logits, dim=1)
check(
    "inference: probabilities",
    probs.tolist(),
    [[0.2424, 0.6590, 0.0986], [0.5254, 0.2609, 0.2136], [0.1716, 0.3127, 0.5156]],
)
manual_seed(0)
draws = multinomial(probs, 10_000, replacement=True).tolist()
shares = [[round(row.count(k) / len(row), 1) for k in range(3)] for row in draws]
check("inference: shares of 10,000 draws, to one decimal", shares, [[0.2, 0.7, 0.1], [0.5, 0.3, 0.2], [0.2, 0.3, 0.5]])

finish()
