"""How numbers, names, terms and formulas are said: as text and as MathML."""
