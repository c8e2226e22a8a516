"""Steps in a terminal: `micrograd-sm step` walks through a backward pass by key.

`keys` reads key presses, `walk` carries them out, `screen` draws the current step, and `session` controls the terminal.
Only `screen` and `session` need rich.
"""
