"""A small, safe language over the columns of a table, for derived columns and for slices.

`parse` makes an `Expression` of a text such as `log1p(amount) / words(message)` or `channel == 'phone'`; nothing of it
is ever handed to Python to run. Every answer is a function of the cells of its own row, so that nothing about test rows
can reach others by this way.
"""

from tunewright.data.expressions.expression import Expression, parse

__all__ = ["Expression", "parse"]
