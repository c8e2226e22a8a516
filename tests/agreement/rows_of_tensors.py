"""Rows of the table against torch: shapes, selection, reductions and linear algebra."""

from __future__ import annotations

from tests.agreement.rows import Row

ROWS: list[Row] = []
