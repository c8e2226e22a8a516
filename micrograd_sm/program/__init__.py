"""Programs: a graph as straight-line Python (`source`), and a function recorded and replayed as such (`compile`)."""

from micrograd_sm.program.function import Compiled, compile

__all__ = ["Compiled", "compile"]
