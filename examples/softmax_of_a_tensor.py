"""softmax of a (2, 4, 8) tensor along its last dimension: eight probabilities for each of the 2 x 4 rows."""

from _check import check, finish

from micrograd_sm import manual_seed, rand, softmax

manual_seed(0)
x = rand(2, 4, 8)  # uniform on [0, 1)
probs = softmax(x, dim=-1)

check("shape", list(probs.shape), [2, 4, 8])
check("sums along the last dimension", probs.sum(dim=-1).tolist(), [[1.0] * 4] * 2)
check("every probability is above 0", probs.min() > 0, True)

# Along dim 1, the four elements with the same first and last index add up to 1.
other = softmax(x, dim=1)
check("sums along dim 1, of softmax along dim 1", other.sum(dim=1).tolist(), [[1.0] * 8] * 2)

finish()
