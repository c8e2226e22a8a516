"""Programs in torch, unchanged: the loss that one computes becomes a Value with its whole graph.

>>> import torch
>>> from micrograd_sm.torch import record
>>> logits = torch.tensor([[1.0, 2.0, 0.1]], requires_grad=True)
>>> with record() as tape:
...     loss = torch.nn.functional.cross_entropy(logits, torch.tensor([2]))
>>> tape[loss].scope, tape[loss].op
('cross_entropy/nll_loss', 'divide')
"""

try:
    import torch as _torch
except ImportError:
    raise ImportError("micrograd_sm.torch records programs in torch, which is not installed: pip install torch") from None

from micrograd_sm.torch.graph_module import to_torch
from micrograd_sm.torch.tape import Tape, record

__all__ = ["Tape", "record", "to_torch"]
