"""nll_loss needs log-probabilities. With probabilities it returns a number, too, but the number is wrong."""

from _check import check, finish

from micrograd_sm import log, log_softmax, nll_loss, softmax

logits = [[1.0, 2.0, 0.1], [1.2, 0.5, 0.3], [0.4, 1.0, 1.5]]
target = [2, 0, 1]

probs = softmax(logits, dim=1)
check("probabilities", probs.tolist(), [[0.2424, 0.6590, 0.0986], [0.5254, 0.2609, 0.2136], [0.1716, 0.3127, 0.5156]])
check("WRONG: nll_loss of probabilities, below 0", nll_loss(probs, target).item(), -0.3123)
check("right: nll_loss of log_softmax", nll_loss(log_softmax(logits, dim=1), target).item(), 1.3743)
check("right here, but log of softmax can underflow", nll_loss(log(probs), target).item(), 1.3743)

# If logits are far apart, softmax rounds to 0, whose logarithm is -inf; log_softmax never takes this logarithm.
far_apart = [1000.0, 0.0]
check("log(softmax([1000, 0]))", log(softmax(far_apart, dim=0)).tolist(), [0.0, float("-inf")])
check("log_softmax([1000, 0])", log_softmax(far_apart, dim=0).tolist(), [0.0, -1000.0])

# The same with probabilities rounded to four decimals, as a reader with a calculator has them.
rounded = [[0.2424, 0.6590, 0.0986], [0.5254, 0.2609, 0.2136], [0.1716, 0.3127, 0.5156]]
logs = [[-1.4172, -0.4170, -2.3167], [-0.6436, -1.3436, -1.5437], [-1.7626, -1.1625, -0.6624]]
check("logarithms of rounded probabilities", log(rounded).tolist(), logs)
check("WRONG: nll_loss of rounded probabilities", nll_loss(rounded, target).item(), -0.3122)
check("right: nll_loss of their logarithms", nll_loss(logs, target).item(), 1.3743)

finish()
