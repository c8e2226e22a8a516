"""The activations of networks beside relu, sigmoid and tanh, and dropout."""

__all__: list[str] = []
