"""How far a gradient can be trusted."""
