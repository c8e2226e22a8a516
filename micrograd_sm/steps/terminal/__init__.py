"""Steps in a terminal: `micrograd-sm step` walks through a backward pass by key.

`keys` reads key presses, `walk` decides what they do, `screen` shows where the walk stands, and `session` owns the
terminal meanwhile. Only `screen` and `session` need rich.
"""
