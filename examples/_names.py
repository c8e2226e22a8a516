"""Reads the first names, and turns characters into numbers and back."""

import random
from pathlib import Path

CHARACTERS = ".abcdefghijklmnopqrstuvwxyz"  # the dot is where a name starts and ends


def all_names():
    """Return the names in random order, the same in every run."""
    names = (Path(__file__).parent / "data" / "names.txt").read_text(encoding="utf-8").split()
    random.Random(0).shuffle(names)
    return names


def some_names(count):
    """Return the first of them."""
    return all_names()[:count]


def contexts_of(names, length):
    """Return for each character the `length` characters before it, and the character itself, as indices into CHARACTERS."""
    contexts, target = [], []
    for name in names:
        context = [0] * length
        for character in [*map(CHARACTERS.index, name), 0]:
            contexts.append(context)
            target.append(character)
            context = [*context[1:], character]
    return contexts, target
