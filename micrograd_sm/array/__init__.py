"""The default storage: an n-d array in pure Python, and functions named after the array API standard.

>>> from micrograd_sm import array as xp
>>> xp.sum(xp.exp(xp.Array([[0.0, 0.0], [1000.0, 0.0]])), axis=(1,))
Array([2.0, inf])
"""

from micrograd_sm.array import functions
from micrograd_sm.array.core import Array
from micrograd_sm.array.functions import *
from micrograd_sm.array.namespace import is_foreign, namespace

__all__ = ["Array", "is_foreign", "namespace", *functions.__all__]
