"""A logit is the logarithm of the odds p / (1 - p); sigmoid turns it back, and is softmax for two classes."""

from _check import check, finish

from micrograd_sm import logit, sigmoid, softmax

p = 0.8
odds = p / (1 - p)
check("odds of p = 0.8", odds, 4.0)
check("logit(0.8), the logarithm of the odds", logit(p).item(), 1.3863)
check("sigmoid(logit(0.8)) is 0.8 again", sigmoid(logit(p)).item(), 0.8)
check("logit(sigmoid(-1.5)) is -1.5 again", logit(sigmoid(-1.5)).item(), -1.5)

z = [-3.0, 0.0, 1.3863]
check("sigmoid of three logits", sigmoid(z).tolist(), [0.0474, 0.5, 0.8])

# If the second of two classes has the logit 0, softmax is exp(z) / (exp(z) + 1), which is sigmoid(z).
check("softmax([z, 0])[0] of the same", [softmax([x, 0.0], dim=0)[0].item() for x in z], [0.0474, 0.5, 0.8])

finish()
