"""How learners train: losses of distances and of teachers, rewards, schedules, checkpoints, folds, groups of parameters.

`m` is the library, torch or micrograd_sm.
"""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from tests.agreement.learners_networks import begun
from tests.agreement.test_programs import start


def distances(m: Any) -> Any:
    """Contrastive and metric losses: InfoNCE, triplets, pairs, distances between all."""
    F = m.nn.functional
    a, b = start(m, 4, 3).requires_grad_(), start(m, 4, 3, seed=1).requires_grad_()
    za, zb = F.normalize(a, dim=1), F.normalize(b, dim=-1)
    logits, labels = za @ zb.t() / 0.07, m.arange(4)
    clip = (F.cross_entropy(logits, labels) + F.cross_entropy(logits.T, labels)) / 2
    z = m.cat([za, zb])
    mask = m.eye(8, dtype=m.bool)
    sim = F.cosine_similarity(z.unsqueeze(1), z.unsqueeze(0), dim=2).masked_fill(mask, -9e15)
    nce = (-sim[mask.roll(shifts=4, dims=0)] + m.logsumexp(sim / 0.5, dim=-1)).mean()
    d, same = F.pairwise_distance(a, b), (labels % 2).double()
    pairs = ((1 - same) * d.pow(2) + same * m.clamp(2.0 - d, min=0.0).pow(2)).mean()
    triplet = F.triplet_margin_loss(a, b, a.flip(0)) + F.cosine_embedding_loss(a, b, 2 * same - 1)
    apart = (m.cdist(a, b) * ~m.eye(4).bool()).sum() + m.max(a - 0.5, m.tensor(0.0)).sum()
    (clip + nce + pairs + triplet + apart).backward()
    return clip, nce, pairs, triplet, apart, a.grad, b.grad.T, (a.grad.detach() @ b.grad.T).sum()


def policy_gradient(m: Any) -> Any:
    nn = m.nn
    policy = begun(m, nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2), nn.Softmax(dim=-1)))
    optimizer = m.optim.Adam(policy.parameters(), lr=0.05)
    for episode in range(3):
        log_probs, rewards = [], []
        for t in range(5):
            state = start(m, 3, seed=10 * episode + t)
            probs = policy(state)
            assert m.multinomial(probs, 1).item() in (0, 1)
            action = probs.argmax().item()
            log_probs.append(probs[action].log())
            rewards.append(float(state[0] > 0) if action else -1.0)
        total, returns = 0.0, []
        for reward in reversed(rewards):
            total = reward + 0.9 * total
            returns.insert(0, total)
        returns = m.tensor(returns)
        returns = (returns - returns.mean()) / (returns.std() + 1e-9)
        entropy = -(probs * probs.log()).sum()
        loss = -(m.stack(log_probs) * returns).sum() - 0.01 * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss, entropy, returns, list(policy.parameters()), m.cat([x.unsqueeze(0) for x in log_probs])


def schedules(m: Any) -> Any:
    nn, scheduler = m.nn, m.optim.lr_scheduler
    makers = [
        lambda o: scheduler.StepLR(o, step_size=2, gamma=0.5), lambda o: scheduler.CosineAnnealingLR(o, T_max=5),
        lambda o: scheduler.ExponentialLR(o, 0.9), lambda o: scheduler.MultiStepLR(o, milestones=[1, 3], gamma=0.1),
        lambda o: scheduler.LambdaLR(o, lr_lambda=lambda epoch: min(1.0, (epoch + 1) / 3)),
    ]  # fmt: skip
    seen: list = []
    for make in makers:
        layer, x = begun(m, nn.Linear(3, 2)), start(m, 4, 3)
        optimizer = m.optim.SGD(layer.parameters(), lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01)
        schedule = make(optimizer)
        for _ in range(4):
            loss = layer(x).pow(2).mean()
            optimizer.zero_grad()
            loss.backward()
            total = sum(p.grad.data.norm(2).item() ** 2 for p in layer.parameters()) ** 0.5
            seen.append(total - nn.utils.clip_grad_norm_(layer.parameters(), 1.0).item() < 1e-12)
            nn.utils.clip_grad_value_(layer.parameters(), 0.3)
            optimizer.step()
            schedule.step()
            seen += [optimizer.param_groups[0]["lr"], schedule.get_last_lr()]
        seen += [layer.weight, loss]
    return seen


def saved(m: Any, folder: Path) -> Any:
    """Early stopping, a checkpoint of model and optimizer, frozen layers, another head."""
    nn = m.nn
    make = lambda: nn.Sequential(nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))
    model, x = begun(m, make()), start(m, 6, 2)
    optimizer = m.optim.Adam(model.parameters(), lr=0.01)
    best, lowest, patience = {}, float("inf"), 0
    for epoch in range(4):  # noqa: B007 (saved below)
        model.train()
        loss = nn.functional.mse_loss(model(x).squeeze(-1), x[:, 0])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < lowest:
            best, lowest, patience = copy.deepcopy(model.state_dict()), loss.item(), 0
        else:
            patience += 1
        if patience >= 2:
            break
    path = folder / f"{m.__name__}.pt"
    m.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch, "best": best}, path)
    checkpoint = m.load(path)
    again = make()
    told = str(again.load_state_dict(checkpoint["model"]))
    optimizer = m.optim.Adam(again.parameters())
    optimizer.load_state_dict(checkpoint["optimizer"])
    for _ in range(2):
        loss = again(x).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    again.eval()
    frozen = copy.deepcopy(again).requires_grad_(False)
    for p in again.parameters():
        p.requires_grad = False
    again[3] = nn.Linear(3, 2)
    trained = [name for name, p in again.named_parameters() if p.requires_grad]
    return (
        told,
        lowest,
        frozen(x),
        trained,
        checkpoint["epoch"],
        best["1.running_mean"],
        list(frozen.state_dict()),
    )


def folds(m: Any) -> Any:
    """Cross-validation with gradients that are asked for, not accumulated; derivatives of derivatives."""
    X = start(m, 12, 2)
    y = X @ m.tensor([[1.0], [-2.0]]) + 0.5
    parts = m.tensor([3, 7, 0, 11, 5, 1, 8, 2, 10, 6, 4, 9]).chunk(3)
    scores = []
    for k in range(3):
        held, rest = parts[k], m.cat([part for j, part in enumerate(parts) if j != k])
        w, b = m.zeros(2, 1, requires_grad=True), m.zeros(1, requires_grad=True)
        for _ in range(5):
            loss = ((X[rest] @ w + b - y[rest]) ** 2).mean()
            gw, gb = m.autograd.grad(loss, [w, b])
            w, b = (w - 0.1 * gw).detach().requires_grad_(), (b - 0.1 * gb).detach().requires_grad_()
        with m.no_grad():
            scores.append(((X[held] @ w + b - y[held]) ** 2).mean().sqrt())
    x = m.tensor([0.5, 2.0], requires_grad=True)
    (g,) = m.autograd.grad((x**3).sum(), x, create_graph=True)
    (gg,) = m.autograd.grad(g, x, grad_outputs=m.ones_like(x))
    u = m.autograd.grad(x.sin(), x, m.tensor([1.0, 2.0]))[0]
    unused = m.autograd.grad(x.sum(), [x, w], allow_unused=True)[1]
    return m.stack(scores).mean(), m.stack(scores).std(), g, gg, u, unused is None, x.grad is None


def distillation(m: Any) -> Any:
    nn, F = m.nn, m.nn.functional
    teacher, student = begun(m, nn.Linear(4, 3)).eval(), begun(m, nn.Linear(4, 3, bias=True))
    x, y, T = start(m, 5, 4, seed=2), m.tensor([0, 2, 1, 1, 0]), 2.0
    with m.no_grad():
        wanted = teacher(x) * 1.5
    out = student(x)
    losses = [
        nn.KLDivLoss(reduction="batchmean")(F.log_softmax(out / T, dim=1), F.softmax(wanted / T, dim=1)) * T * T,
        nn.CrossEntropyLoss(label_smoothing=0.1)(out, y),
        F.cross_entropy(out, F.softmax(wanted, -1)),
        F.cross_entropy(out, y, weight=m.tensor([1.0, 2.0, 0.5]), reduction="none").sum(),
        F.cross_entropy(out, m.where(y == 0, -100, y), ignore_index=-100),
        F.binary_cross_entropy_with_logits(out, F.one_hot(y, 3).double(), pos_weight=m.tensor([1.0, 2.0, 3.0])),
        F.smooth_l1_loss(out, wanted) + F.huber_loss(out, wanted, delta=0.5) + F.l1_loss(out, wanted),
    ]
    smooth = m.full((5, 3), 0.1 / 2).scatter_(1, y.unsqueeze(1), 0.9)
    losses.append((-smooth * F.log_softmax(out, 1)).sum(-1).mean())
    chosen = F.softmax(out, 1).gather(1, y.view(-1, 1)).squeeze(1)
    losses.append((-((1 - chosen) ** 2) * chosen.log()).mean())
    m.stack(losses).sum().backward()
    return (
        losses,
        student.weight.grad,
        student.bias.grad,
        teacher.weight.grad is None,
        (out.argmax(1) == y).sum().item() / len(y),
    )


def groups(m: Any) -> Any:
    """Groups of parameters, gradients accumulated over micro-batches, a moving average of the weights."""
    nn = m.nn
    net = begun(m, nn.Sequential(nn.Linear(2, 3), nn.LayerNorm(3), nn.SiLU(), nn.Linear(3, 1)))
    decay = {"params": [p for p in net.parameters() if p.dim() >= 2], "weight_decay": 0.1}
    rest = {"params": [p for p in net.parameters() if p.dim() < 2], "weight_decay": 0.0, "lr": 0.02}
    optimizer = m.optim.AdamW([decay, rest], lr=0.01, betas=(0.9, 0.95))
    mean = {name: p.detach().clone() for name, p in net.named_parameters()}
    for _ in range(3):
        for group in optimizer.param_groups:
            group["lr"] *= 0.9
        optimizer.zero_grad()
        for micro in start(m, 5, 2).split(2):
            loss = net(micro).abs().mean() / 3
            loss.backward()
        optimizer.step()
        for name, p in net.named_parameters():
            mean[name].mul_(0.9).add_(p.data, alpha=0.1)
    return loss, list(net.parameters()), list(mean.values()), [group["lr"] for group in optimizer.param_groups]


def idioms(m: Any) -> Any:
    """The small ways to make, ask and change tensors."""
    x = m.Tensor([[1, 2], [3, 4]]).double()
    w = m.nn.Parameter(m.tensor([1.0, 2.0]))
    w.grad = m.tensor([0.5, 0.5])
    w.data -= 0.1 * w.grad.data
    w.data = w.data.clamp(max=1.9)
    with m.no_grad():
        w.add_(1.0)
        w[0] = 0.0
        w *= 0.5
    y = m.empty(3).normal_().zero_().fill_(1.5)
    y[0] = m.tensor(2.0)
    matches = (x.argmax(1) == m.LongTensor([1, 0])).double().mean().item()
    shown = [f"{x.mean():.3f}", f"{x.sum():8.2f}", f"{x[0, 0]:.1e}", f"{m.tensor(3):d}", str(x.device)]
    asked = [
        m.is_tensor(x), isinstance(x, m.Tensor), m.numel(x), x.shape == (2, 2), m.Size([2, 2]) == x.shape, len(x.shape),
        x.requires_grad, w.requires_grad, w.is_leaf, (w * 2).is_leaf, x.device.type, m.device("cpu").type,
        m.equal(x, x), m.is_floating_point(x), m.pi, x.ndim, x.size(-1), m.get_default_dtype() is m.float64,
    ]  # fmt: skip
    made = [
        w, y, m.FloatTensor([1, 2]).double(), m.tensor([1, 2]) / 2, m.tensor([3, 4]) // 2, m.full((2, 2), 7), x.new_ones(2),
        x.new_full((2,), 3.0), m.bernoulli(m.ones(2)), m.meshgrid(m.arange(2), m.arange(3), indexing="ij")[0], m.randperm(1),
        m.maximum(x, 2 * m.ones(2, 2)), m.where(x > 2, 1, 0), m.cat([x, x])[-1], m.stack((x, x)).shape, x.detach().clone(),
        [a * b + i for i, (a, b) in enumerate(zip(x, x))], x.median(), x.unique(), x.numpy().sum(),
    ]  # fmt: skip
    return shown, asked, made, matches


TRAINING = [distances, policy_gradient, schedules, folds, distillation, groups, idioms]
