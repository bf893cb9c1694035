"""Bring words to one form for matching. What is quoted never passes through here."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache

import cn2an

from corpus.figures import units

_QUOTES = str.maketrans("", "", "“”‘’\"'「」『』《》〈〉【】[]()（） \t\r\n　")
_DIGITS = "零〇一二两三四五六七八九十百千万亿"
_PERCENT = re.compile(rf"百分之([{_DIGITS}点]+)")
_YEAR = re.compile(r"([一二][〇零○O0九一二三四五六七八]{3})年")
_POINT = re.compile(rf"([{_DIGITS}]+点[{_DIGITS}]+)(?=[个家亿万元%])")


def tidy(text: str) -> str:
    """One line of well-formed text: control characters, lone surrogates and blanks between Chinese characters out."""
    text = "".join(c for c in text if not (0xD800 <= ord(c) <= 0xDFFF) and (ord(c) >= 32 or c in "\n\t"))
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r"(?<=[^\x00-\x7f]) (?=[^\x00-\x7f])", "", text)


@cache
def _converter() -> object:
    from opencc import OpenCC

    return OpenCC("t2s")


@lru_cache(maxsize=4096)
def simplified(text: str) -> str:
    """Traditional characters as simplified ones, character for character where OpenCC maps so."""
    return str(_converter().convert(text))  # type: ignore[attr-defined]


@lru_cache(maxsize=16384)
def fold(text: str) -> str:
    """Width, case and script unified, quotation marks, brackets and blanks taken out.

    >>> fold("“ＧＤＰ” 增長 ６％")
    'gdp增长6%'
    """
    return simplified(unicodedata.normalize("NFKC", text)).lower().translate(_QUOTES)


def arabic(text: str) -> str:
    """Chinese numerals that stand for figures or years as digits; numerals in names (三大战略, 一窗链办) are left.

    >>> arabic("二〇二四年增长百分之六点五")
    '2024年增长6.5%'
    """
    for start, end, digits in reversed(arabic_runs(text)):
        text = text[:start] + digits + text[end:]
    return text


def arabic_runs(text: str) -> list[tuple[int, int, str]]:
    """The Chinese numerals of a text that stand for figures or years: start, end and digits, in reading order."""
    found: list[tuple[int, int, str]] = []
    taken = bytearray(len(text))
    for pattern, digits in _numerals():
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]) or (written := digits(match)) == match.group():
                continue
            taken[start:end] = b"\x01" * (end - start)
            found.append((start, end, written))
    return sorted(found)


@cache
def _numerals() -> tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...]:
    """What a Chinese numeral can look like, and its digits; the first that fits a place holds."""
    measured = re.compile(
        rf"([{_DIGITS}]*[十百千万亿][{_DIGITS}]*)(?=[多余]?[万亿]*(?:{'|'.join(map(re.escape, _measures()))}))"
    )
    return (
        (_YEAR, lambda m: "".join(_year_digit(c) for c in m.group(1)) + "年"),
        (_PERCENT, lambda m: ("100" if m.group(1) == "百" else _number(m.group(1), m.group(1))) + "%"),
        (_POINT, lambda m: _number(m.group(1), m.group(1))),
        (measured, lambda m: _number(m.group(1), m.group(1))),
    )


@cache
def _measures() -> tuple[str, ...]:
    return tuple(unit for unit in units() if unit not in {"年", "级", "强", "种", "类", "步", "方"})


def _year_digit(character: str) -> str:
    return {"〇": "0", "零": "0", "○": "0", "O": "0"}.get(character) or (
        character if character.isdigit() and character.isascii() else str("零一二三四五六七八九".index(character))
    )


def plain_number(numeral: str) -> str:
    """A numeral in digits: ``七`` is 7, ``十二`` is 12; digits stay.

    >>> plain_number("十二")
    '12'
    """
    return numeral if numeral.isdigit() else _number(numeral, "0")


def _number(numeral: str, otherwise: str) -> str:
    """A Chinese numeral in digits, its 万 or 亿 kept as written; ``otherwise`` where it is none."""
    scale = ""
    plain = numeral.replace("两", "二").replace("〇", "零")
    while plain and plain[-1] in "万亿" and len(plain) > 1:
        scale = plain[-1] + scale
        plain = plain[:-1]
    try:
        value = cn2an.cn2an(plain, "smart")
    except (ValueError, KeyError, IndexError):
        return otherwise
    return f"{value:g}{scale}" if value < 1_000_000 else f"{int(value)}{scale}"
