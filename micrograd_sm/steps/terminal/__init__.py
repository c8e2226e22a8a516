"""Steps in a terminal: `micrograd-sm step` walks through a backward pass by key, or prints every step.

`keys` reads key presses, `walk` decides what they do, `screen` shows where the walk stands, `session` owns the terminal
meanwhile, and `plain` prints. Only `screen` and `session` need rich.
"""
