"""Rows of the table against torch: functions of each element, activations and losses."""

from __future__ import annotations

from tests.agreement.rows import Row

ROWS: list[Row] = []
