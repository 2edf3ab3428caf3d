"""The language against Python: its own parser reads the same text, and a plain interpreter answers row by row."""

import ast
import datetime as dt
import math
import operator

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.expressions import parse

ROWS = [
    {
        "n": 1.0,
        "m": 3.0,
        "k": None,
        "yes": True,
        "no": False,
        "s": "one two",
        "t": "Two",
        "d": dt.datetime(2025, 6, 21, 18),
    },
    {"n": -2.5, "m": 0.0, "k": 7.0, "yes": None, "no": True, "s": "", "t": None, "d": None},
    {
        "n": 0.0,
        "m": -4.0,
        "k": 0.5,
        "yes": False,
        "no": None,
        "s": None,
        "t": "wo",
        "d": dt.datetime(2023, 12, 31, 23, 59),
    },
    {
        "n": None,
        "m": 1e300,
        "k": -1.0,
        "yes": True,
        "no": True,
        "s": " Ärger\nÜber ",
        "t": "ä",
        "d": dt.datetime(1999, 1, 3),
    },
]
FRAME = pl.DataFrame(ROWS)
BINARY = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}
COMPARE = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
CALLS = {
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "abs": abs,
    "round": lambda x: float(round(x)),
    "min": min,
    "max": max,
    "clip": lambda x, low, high: min(max(x, low), high),
    "length": len,
    "words": lambda text: len(text.split()),
    "contains": lambda text, part: part in text,
    "starts_with": str.startswith,
    "ends_with": str.endswith,
    "lower": str.lower,
    "upper": str.upper,
}
PARTS = {
    "hour": lambda d: d.hour,
    "day": lambda d: d.day,
    "month": lambda d: d.month,
    "year": lambda d: d.year,
    "weekday": lambda d: d.weekday(),
    "is_weekend": lambda d: d.weekday() >= 5,
    "hour_of_week": lambda d: d.weekday() * 24 + d.hour,
}


def known(function, *values):
    """What a function gives for known values; None for what is unknown, undefined or infinite."""
    if any(value is None for value in values):
        return None
    try:
        answer = function(*values)
    except (ZeroDivisionError, OverflowError, ValueError):
        return None
    if isinstance(answer, complex) or (isinstance(answer, float) and not math.isfinite(answer)):
        return None
    if isinstance(answer, dt.timedelta):
        return answer.total_seconds() / 86_400
    return float(answer) if type(answer) is int else answer


def three_valued(truths, decisive):
    if decisive in truths:
        return decisive
    return None if None in truths else not decisive


def answer(node, row):
    """A row's answer, straight from Python's syntax tree."""
    if isinstance(node, ast.Constant):
        return float(node.value) if type(node.value) is int else node.value
    if isinstance(node, ast.Name):
        return row[node.id]
    if isinstance(node, ast.Attribute):
        return known(PARTS[node.attr], answer(node.value, row))
    if isinstance(node, ast.UnaryOp):
        inner = answer(node.operand, row)
        return known(operator.not_ if isinstance(node.op, ast.Not) else operator.neg, inner)
    if isinstance(node, ast.BinOp):
        return known(BINARY[type(node.op)], answer(node.left, row), answer(node.right, row))
    if isinstance(node, ast.BoolOp):
        return three_valued([answer(value, row) for value in node.values], isinstance(node.op, ast.Or))
    if isinstance(node, ast.Compare):
        return compare(node, row)
    arguments = [answer(argument, row) for argument in node.args]
    if node.func.id == "is_missing":
        return arguments[0] is None
    if node.func.id == "if_":
        return None if arguments[0] is None else arguments[1 if arguments[0] else 2]
    return known(CALLS[node.func.id], *arguments)


def compare(node, row):
    if isinstance(node.ops[0], ast.In | ast.NotIn):
        item, among = answer(node.left, row), node.comparators[0]
        if isinstance(among, ast.Tuple):
            found = known(lambda x: x in [answer(value, row) for value in among.elts], item)
        else:
            found = known(lambda part, text: part in text, item, answer(among, row))
        return known(operator.not_, found) if isinstance(node.ops[0], ast.NotIn) else found
    values = [answer(value, row) for value in (node.left, *node.comparators)]
    links = [known(COMPARE[type(op)], a, b) for op, a, b in zip(node.ops, values[:-1], values[1:], strict=True)]
    return three_valued(links, False)


def joined(operators, part, most=3):
    """Parts with operators between them and no brackets: the parsers have to agree on what belongs together."""
    return st.builds(
        lambda parts, signs: "".join(x for pair in zip(["", *signs], parts, strict=False) for x in pair),
        st.lists(part, min_size=1, max_size=most),
        st.lists(st.sampled_from([f" {sign} " for sign in operators]), min_size=most - 1, max_size=most - 1),
    )


def called(name, *parts):
    return st.tuples(*parts).map(lambda values: f"{name}({', '.join(values)})")


def kinds(depth):
    """Strategies for texts of number, truth and text."""
    number = st.sampled_from(["n", "m", "k", "2", "0.5", "3.", "0", "10"])
    truth = st.sampled_from(["yes", "no", "is_missing(k)", "is_missing(s)", "d.is_weekend"])
    text = st.sampled_from(["s", "t", "'o'", '"Two"', "''", r"'it\'s'"])
    if depth == 0:
        return number | st.sampled_from([f"d.{part}" for part in PARTS if part != "is_weekend"]), truth, text
    below, truth_below, text_below = kinds(depth - 1)
    bracketed = below.map(lambda x: f"({x})")
    signed = below.map(lambda x: f"-{x}")
    numbers = joined(["+", "-", "*", "/", "%", "**"], below | bracketed | signed) | st.one_of(
        *(called(name, below) for name in ("log", "log1p", "sqrt", "abs", "round")),
        *(called(name, below, below) for name in ("min", "max")),
        called("clip", below, below, below),
        called("if_", truth_below, below, below),
        *(called(name, text_below) for name in ("length", "words")),
        st.just("(d - d)"),
    )
    texts = joined(["+"], text_below) | st.one_of(
        *(called(name, text_below) for name in ("lower", "upper")), called("if_", truth_below, text_below, text_below)
    )
    truths = st.one_of(
        joined(list(map(str, ["==", "!=", "<", "<=", ">", ">="])), below, most=3).map(lambda x: f"{x} < 5"),
        joined(["and", "or"], truth_below | truth_below.map(lambda x: f"not {x}")),
        called("is_missing", below),
        *(called(name, text_below, text_below) for name in ("contains", "starts_with", "ends_with")),
        text_below.flatmap(
            lambda a: text_below.map(lambda b: f"{a} in {b}" if not b.startswith("(") else f"{a} == {b}")
        ),
        text_below.map(lambda a: f"{a} not in ('o', 'Two',)"),
        below.map(lambda a: f"{a} in (1, -2.5, 0)"),
    ).map(lambda x: f"({x})")
    return numbers, truths, texts


NUMBERS, TRUTHS, TEXTS = kinds(2)


@settings(max_examples=300, deadline=None)
@given(NUMBERS | TRUTHS | TEXTS)
def test_every_row_is_answered_as_python_would(text):
    found = parse(text.replace("if_(", "if(")).evaluate(FRAME)
    tree = ast.parse(text, mode="eval").body
    for got, row in zip(found, ROWS, strict=True):
        expected = answer(tree, row)
        if isinstance(expected, float | int) and not isinstance(expected, bool):
            assert got == pytest.approx(expected, rel=1e-9, abs=1e-300), (text, row)
            assert math.isfinite(got)
        else:
            assert got == expected and (got is None) == (expected is None), (text, row)


@settings(max_examples=50, deadline=None)
@given(TRUTHS)
def test_a_condition_holds_where_it_is_known_to_be_true(text):
    condition = parse(text.replace("if_(", "if("))
    held = condition.holds(FRAME)
    assert held.dtype == pl.Boolean and held.to_list() == [value is True for value in condition.evaluate(FRAME)]


@settings(max_examples=50, deadline=None)
@given(NUMBERS | TEXTS | TRUTHS, st.permutations(range(4)))
def test_a_row_is_answered_by_its_own_cells_alone(text, order):
    expression = parse(text.replace("if_(", "if("))
    whole = expression.evaluate(FRAME)
    assert expression.evaluate(FRAME[order]).to_list() == whole[order].to_list()
    assert expression.evaluate(FRAME[:0]).to_list() == []
    assert [expression.evaluate(FRAME[row])[0] for row in range(4)] == whole.to_list()
