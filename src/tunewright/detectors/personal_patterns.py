"""What personal data and secrets look like in text: one pattern each, with the check that tells it from a mere code."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tunewright.detectors.personal_checks import (
    digits_of,
    is_address,
    is_card,
    is_iban,
    is_insured,
    is_phone,
    is_secret,
    is_social,
)

_START, _END = r"(?<![\w.+/=#:@-])", r"(?![\w@]|[-./]\w)"
_SECRETS = (
    r"(?:AKIA|ASIA)[0-9A-Z]{16}\b|gh[pousr]_[A-Za-z0-9]{30,}|github_pat_\w{22,}|glpat-[\w-]{20,}|AIza[\w-]{35}"
    r"|xox[abeoprs]-[\w-]{10,}|[sprw]k_(?:live|test)_[A-Za-z0-9]{16,}|sk-[\w-]{20,}|hf_[A-Za-z0-9]{30,}"
    r"|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|eyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]*"
    r"|-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"
)
_ASSIGNED = (
    r"(?i:(?:api|access|secret|private|auth)[ _-]?(?:key|token)|secret|token|passw(?:or)?d|pwd|bearer|client_secret)"
    r"""["']?(?: is)?\s{0,3}[:= ]\s{0,3}["']?(?P<value>[\w+/.=~!@#$%^&*-]{12,})"""
)
_PHONES = (
    r"\+[1-9]\d{0,2}(?:[ .\-/]?\(?\d{1,5}\)?){2,7}"  # +44 20 7946 0958
    r"|(?:1[ .\-]?)?(?:\([2-9]\d{2}\) ?|[2-9]\d{2}(?P<gap>[ .\-]))[2-9]\d{2}(?(gap)(?P=gap)|[ .\-])\d{4}"
    r"|\(?0[1-9]\d{0,3}\)?[ .\-/]?\d{2,4}(?:[ .\-]?\d{2,4}){1,3}(?<=[\d ()./-]{10})"  # 0171 946 0958
)
_CUED = (
    r"(?i:\b(?:call|ph|phone|tel|telephone|mobile|mob|cell|cellphone|contact|fax|whatsapp|text|txt|sms|dial|ring)\b)"
    r"[ .:]{0,3}(?i:(?:me|us|now|on|at|number|no|is|to)[ .:]{1,3}){0,3}"
    r"(?:\(?[0-9][0-9 ().\-]{6,14}[0-9]|\d{3}[-.]\d{4})(?!\d)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One sort of personal data.

    Args:
        name: what it is, in the plural.
        hint: a regular expression (of polars) that every text with a match contains; cheap.
        shape: what looks like it.
        valid: whether a match is one, from the match alone.
        honest: of what looks like it in a column, the share that must be valid; codes of the same look fail it.
        weight: how grave it is in wrong hands.
        mask: a match with what it tells taken out.
    """

    name: str
    hint: str
    shape: re.Pattern[str]
    valid: Callable[[re.Match[str]], bool]
    honest: float = 0.5
    weight: float = 1.0
    mask: Callable[[str], str] = lambda found: f"{found[:1]}***"

    def scan(self, text: str) -> Iterator[tuple[int, int, bool]]:
        """Start and end of everything that looks like it, and whether it is valid."""
        return ((*found.span(), self.valid(found)) for found in self.shape.finditer(text))


def _phone_mask(found: str) -> str:
    return f"{'+' * found.startswith('+')}{digits_of(found)[:1]}***"


def _mail_mask(found: str) -> str:
    return f"{found[0]}***@***.{found.rsplit('.', 1)[1]}"


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        name="keys or passwords",
        hint=r"(?i)AKIA|ASIA|gh[pousr]_|github_pat|glpat-|AIza|xox|[sprw]k[_-]|hf_|npm_|pypi-|eyJ|PRIVATE KEY|key|token"
        r"|secret|passw|pwd|bearer",
        shape=re.compile(rf"(?<![\w-])(?:{_SECRETS}|{_ASSIGNED})"),
        valid=is_secret,
        honest=0.0,
        weight=10.0,
    ),
    Pattern(
        name="e-mail addresses",
        hint="@",
        shape=re.compile(r"(?<![\w.+-])[A-Za-z0-9][\w.+%'-]*@(?:[A-Za-z0-9-]+\.)+[A-Za-z]{2,24}\b(?!-)"),
        valid=lambda found: True,
        mask=_mail_mask,
    ),
    Pattern(
        name="bank account numbers (IBAN)",
        hint=r"[A-Z]{2}\d{2}[ ]?[A-Z0-9]{4}",
        shape=re.compile(r"(?<![\w-])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,3}(?![A-Za-z0-9]))?"),
        valid=is_iban,
        weight=5.0,
        mask=lambda found: f"{found[:2]}***",
    ),
    Pattern(
        name="payment card numbers",
        hint=r"\d(?:[ -]?\d){13}",
        shape=re.compile(rf"{_START}\d{{4}}(?:[ -]?\d{{4}}[ -]?\d{{4}}[ -]?\d{{4}}|[ -]?\d{{6}}[ -]?\d{{4,5}}){_END}"),
        valid=is_card,
        weight=10.0,
    ),
    Pattern(
        name="social security numbers",
        hint=r"\d{3}[- ]\d{2}[- ]\d{4}",
        shape=re.compile(rf"{_START}\d{{3}}([- ])\d{{2}}\1\d{{4}}{_END}"),
        valid=is_social,
        honest=0.97,
        weight=10.0,
    ),
    Pattern(
        name="national insurance numbers",
        hint=r"[A-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-Z]",
        shape=re.compile(rf"{_START}[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{{2}} ?\d{{2}} ?\d{{2}} ?[A-Z]{_END}"),
        valid=is_insured,
        honest=0.9,
        weight=10.0,
    ),
    Pattern(
        name="network addresses (IP)",
        hint=r"\d\.\d+\.\d+\.\d|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3}",
        shape=re.compile(
            r"(?<![\w.:])(?:\d{1,3}(?:\.\d{1,3}){3}(?![\w]|\.\d)|[23][0-9A-Fa-f]{3}:[0-9A-Fa-f:]{3,34}(?![\w:]))"
        ),
        valid=is_address,
        honest=0.5,
    ),
    Pattern(
        name="phone numbers",
        hint=r"\d(?:[ ().\-/]{0,3}\d){7}",
        shape=re.compile(rf"(?<![\w.+/=#@-])(?:{_PHONES}){_END}|{_CUED}"),
        valid=is_phone,
        honest=0.7,
        mask=_phone_mask,
    ),
)
