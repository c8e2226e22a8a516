"""softmax gives every class a probability; argmax only says which class has the largest."""

from _check import check, finish

from micrograd_sm import Value, argmax, softmax

logits = Value([1.2, 2.5, 0.9])
probs = softmax(logits, dim=0)

# Some notes print 0.186, 0.689, 0.125 here. Those are not the softmax of these logits, though they too sum to 1.
check("softmax of [1.2, 2.5, 0.9]", probs.tolist(), [0.1848, 0.6782, 0.1369])
print("    (notes that print [0.186, 0.689, 0.125] here are wrong)")
check("the probabilities sum to", probs.sum().item(), 1.0)
check("argmax, the class with the largest logit", argmax(logits).item(), 1)
check("argmax of the probabilities is the same class", argmax(probs).item(), 1)

# A gradient flows through softmax, but not through argmax: so training uses softmax, and a decision uses argmax.
probs[1].backward()
check("how probability 1 grows with each logit", logits.grad.tolist(), [-0.1254, 0.2182, -0.0929])
check("whether a gradient flows through argmax", argmax(logits).requires_grad, False)

finish()
