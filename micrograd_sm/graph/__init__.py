"""`Graph`: the nodes, edges, names and scopes of a loss, in creation order. What every view reads."""

from micrograd_sm.graph.core import Graph
from micrograd_sm.graph.derivative import Local, local_derivative
from micrograd_sm.graph.moment import Moment
from micrograd_sm.graph.parts import Edge, Node, Scope
from micrograd_sm.graph.snapshot import snapshot

__all__ = ["Edge", "Graph", "Local", "Moment", "Node", "Scope", "local_derivative", "snapshot"]
