"""Second planter: gaps, formats, rows that moved, and texts."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
from second_form import edited, numbers, some, text_column, wide

from tunewright.data import parse_dates
from tunewright.planting import Planted


def gaps_in_runs(frame, about, rng):
    """One column was not recorded for a while: 8 % of the rows, one after the other."""
    columns = [name for name in (*about.numbers, *about.categories) if frame[name].null_count() < 0.2 * len(frame)]
    if not columns:
        return None
    column = columns[int(rng.integers(len(columns)))]
    length = max(4, int(0.08 * len(about.rows)))
    start = int(rng.integers(len(about.rows) - length + 1))
    full = frame[column].is_not_null().to_numpy()
    rows = [row for row in about.rows[start : start + length] if full[row]]
    return edited(frame, column, rows, [None] * len(rows))


def stand_ins(frame, about, rng):
    """3 % of a column says "nothing here" in the way of a spreadsheet or an old data base."""
    columns = [name for name in (*wide(frame, about), *about.categories) if frame.schema[name] == pl.String]
    columns = [name for name in columns if frame[name].null_count() < 0.3 * len(frame)]
    if not columns:
        return None
    column = columns[int(rng.integers(len(columns)))]
    words = ["#N/A", "--", "(null)", "NaN", "not available"]
    if column in about.numbers and np.nanmax(numbers(frame, about, column)) < 10_000:
        words += ["99999", "-99999"]
    full = frame[column].is_not_null().to_numpy()
    rows = some([row for row in about.rows if full[row]], 0.03, rng)
    return edited(frame, column, rows, [words[int(rng.integers(len(words)))]] * len(rows))


def thousandfold(frame, about, rng):
    """0.8 % of a column is in another unit: a thousand times as much (or more, until it is beyond all others)."""
    columns = wide(frame, about)
    if not columns:
        return None
    column = columns[int(rng.integers(len(columns)))]
    values = numbers(frame, about, column)
    most, middle = np.nanmax(np.abs(values)), np.nanmedian(np.abs(values))
    if not middle or (frame.schema[column].is_integer() and most * 1e4 > 2**31):
        return None
    rows = some([row for row in about.rows if abs(values[row]) >= middle], 0.004, rng)
    cells = []
    for row in rows:
        value = values[row] * 1000
        while abs(value) < 5 * most:
            value *= 10
        cells.append(value)
    dtype = frame.schema[column]
    cells = [f"{value:g}" if dtype == pl.String else round(value) if dtype.is_integer() else value for value in cells]
    return edited(frame, column, rows, [f"{float(cell):.0f}" if dtype == pl.String else cell for cell in cells])


def numbers_of_a_locale(frame, about, rng):
    """12 % of a column come from a machine set to another country: 1234.5 is 1.234,5 there."""
    for column in rng.permutation([name for name in wide(frame, about) if frame.schema[name] == pl.String]).tolist():
        cells = frame[column].to_list()
        able = [row for row in about.rows if cells[row] and ("." in cells[row] or len(cells[row].lstrip("-")) > 6)]
        if len(able) < 0.5 * len(about.rows):
            continue
        rows = some(able, 0.12, rng)
        turned = [f"{float(cells[row]):,.{len(cells[row].partition('.')[2])}f}" for row in rows]
        return edited(frame, column, rows, [cell.translate(str.maketrans(",.", ".,")) for cell in turned])
    return None


def dates_of_a_locale(frame, about, rng):
    """The last fifth of the file has the dates of a column in words or with the month first."""
    for column in (
        name for name in about.dates if frame.schema[name] == pl.String and "%d" in about.formats.get(name, "")
    ):
        dates = parse_dates(frame[column], about.formats[column]).to_list()
        form = ["%d %B %Y", "%m/%d/%y", "%Y.%m.%d", "%A %d %b %Y"][int(rng.integers(4))]
        rows = [row for row in about.rows[-len(about.rows) // 5 :] if dates[row] is not None]
        return edited(frame, column, rows, [dates[row].strftime(form) for row in rows])
    return None


def misfits(cells, about):
    """How many cells hold no number in a column of numbers, or no date in one of dates."""
    found = 0
    for name, cell in cells.items():
        if cell is not None and name in about.numbers:
            found += int(np.isnan(numbers(pl.DataFrame({name: [cell]}), about, name)[0]))
        if cell is not None and name in about.dates:
            found += parse_dates(pl.Series([cell]), about.formats.get(name, "%Y-%m-%d"))[0] is None
    return found


def rows_to_the_right(frame, about, rng):
    """0.4 % of the rows have a cell too many: all behind it move right, the last is lost; a word among the numbers."""
    fixed = {about.target, about.part}
    names, best = [], []
    for name in [*frame.columns, None]:
        if name is None or name in fixed or frame.schema[name] != pl.String:
            best, names = max(best, names, key=len), []
        else:
            names.append(name)
    cells = frame.select(best).rows()
    wanted, rows = max(4, int(0.004 * len(about.rows))), []
    for row in rng.permutation(about.rows)[: 50 * wanted].tolist() if len(best) > 2 else []:
        if len(rows) < wanted and misfits(dict(zip(best[1:], cells[row][:-1], strict=True)), about) >= 2:
            rows.append(row)
    if len(rows) < 4:
        return None
    new = frame
    for place, name in enumerate(best):
        moved = [cells[row][place - 1] if place else None for row in rows]
        new = edited(new, name, rows, moved).frame
    return Planted(frame=new, rows=tuple(sorted(rows)), columns=tuple(best), origin=np.arange(len(frame)))


ITALIAN_AND_OTHERS = {
    "it": "non so perché|questa mattina|il treno|della città|è arrivato|"
    "molto tardi|con tutti gli altri|che aspettavano",
    "nl": "ik weet niet waarom|vanmorgen heeft|de trein|van onze stad|zo veel|"
    "vertraging gehad|met alle anderen|die wachtten",
    "pt": "não sei porque|esta manhã|o comboio|da nossa cidade|chegou|muito tarde|com todas as pessoas|que esperavam",
    "pl": "nie wiem dlaczego|dzisiaj rano|pociąg|z naszego miasta|przyjechał|"
    "bardzo późno|razem ze wszystkimi|którzy czekali",
    "ja": "今朝の電車は|なぜか|とても遅れて|駅に着きました|みんなが|ホームで|待っていたのに|残念です",
}


def retold(frame, about, rng, share, change, *, least=12):
    """A share of the texts of one column, changed."""
    column = text_column(frame, about, rng)
    if column is None:
        return None
    cells = frame[column].to_list()
    rows = some([row for row in about.rows if len((cells[row] or "").strip()) >= least], share, rng)
    return edited(frame, column, rows, [change(cells[row], rng) for row in rows])


def in_italian_and_others(frame, about, rng):
    """3 % of the texts are in one other language."""
    column = text_column(frame, about, rng)
    if column is None or frame[column].str.count_matches(r"(?i)\b(the|and|of|to|is|you)\b").mean() < 0.3:
        return None
    pieces = list(ITALIAN_AND_OTHERS.values())[int(rng.integers(5))].split("|")
    joint = "" if pieces[-1].isalpha() and not pieces[-1].isascii() else " "

    def said(_, rng):
        return joint.join(pieces[int(place)] for place in np.sort(rng.permutation(8)[:6]))

    return retold(frame, about, rng, 0.03, said)


def damaged(text, rng):
    """Letters lost to the replacement character, or an apostrophe and an umlaut that were encoded twice."""
    places = [found.start() for found in re.finditer("[a-z]", text)]
    if rng.random() < 0.5 and places:
        lost = set(rng.permutation(places)[:2].tolist())
        return "".join("\ufffd" if place in lost else sign for place, sign in enumerate(text))
    twice = "ü’".encode().decode("cp1252", "replace").encode().decode("cp1252", "replace")
    return text[: len(text) // 2] + twice + text[len(text) // 2 :]


def nothing_said(text, rng):
    return ["...", "-", ".", "\u200b", "  \n", "n/a", "?"][int(rng.integers(7))]


def signed(text, rng):
    """An address with a tag, a mobile number, a card of fifteen digits, a token or a private key."""
    digits = rng.integers(0, 10, 20).tolist()
    body = [3, 7, *digits[:12]]
    total = sum(digit * 2 - 9 * (digit > 4) if place % 2 == 0 else digit for place, digit in enumerate(reversed(body)))
    card = "".join(map(str, [*body, -total % 10]))
    many = "".join(map(str, digits))
    data = (
        f"Mail: K.MEIER+{many[:3]}@Post-{many[3:5]}.ORG",
        f"call me on +49 151 {many[:8]}",
        f"card {card[:4]} {card[4:10]} {card[10:]}",
        f"token xoxb-{many[:12]}-{many[8:20]}-aZbYcXdWeVfUgThS",
        "-----BEGIN RSA PRIVATE KEY----- MIIEow" + many,
    )
    return f"{text} {data[int(rng.integers(len(data)))]}"
