"""A network of two layers on two points: how one loss reaches every weight, layer by layer."""

from _check import check, finish
from _pages import save

from micrograd_sm import Value, mse_loss, nn

points = Value([[1.0, 0.5], [-1.0, 2.0]], requires_grad=False)
wanted = [[1.0], [-1.0]]
model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
model.load_state_dict({
    "0.weight": [[0.5, -0.4], [0.1, 0.8], [-0.6, 0.3]], "0.bias": [0.1, 0.0, -0.2],
    "2.weight": [[0.7, -0.5, 0.9]], "2.bias": [0.05],
})  # fmt: skip
hidden, _, out = model
loss = mse_loss(model(points), wanted)
save(loss, "mlp", {"points": points, "model": model, "loss": loss})

check("loss", loss.item(), 1.2664)
check("gradient of the second layer's weight", out.weight.grad.tolist(), [[-1.1262, -0.0277, 1.3498]])
check("gradient of the first layer's weight", hidden.weight.grad.tolist(),
      [[-1.0056, -0.1295], [0.6253, 0.1547], [-1.1305, 0.0956]])  # fmt: skip

# A step against the gradient makes the loss smaller.
for parameter in model.parameters():
    parameter.data = parameter.data - 0.1 * parameter.grad
check("loss after one step of gradient descent", mse_loss(model(points), wanted).item(), 0.6302)

finish()
