"""Fold text so that equal statements compare equal, and find a value in it with its boundaries kept.

Written apart from the assistant's own normalisation on purpose: the grader must not share the faults of what it grades.
"""

from __future__ import annotations

import re
import unicodedata
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any

from corpus.figures import find_figures, units
from corpus.types import Figure

_MARK = re.compile(r"[\[【［]\s*\d{1,2}(?:\s*[,，、\-–]\s*\d{1,2})*\s*[\]】］]|[①-⑳]|(?<![mM])[¹²³⁰-⁹]+")
_ENUMERATOR = re.compile(
    r"(?m)(?:^|(?<=[：:；;]))[ \t　]*(?:[-*•·]\s+)?(?:\d{1,3}[.、．)）](?!\d)|[(（]\d{1,3}[)）])\s*"
)
_DELETED = str.maketrans("", "", "“”‘’「」『』\"'`*_")
_UNIFIED = str.maketrans({"—": "-", "–": "-", "−": "-", "~": "-", "〔": "(", "[": "(", "【": "(", "﹝": "(",
                          "〕": ")", "]": ")", "】": ")", "﹞": ")"})  # fmt: skip
_DIGITS = {character: value for value, character in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SMALL = {"十": 10, "百": 100, "千": 1_000}
_LARGE = {"万": 10_000, "亿": 100_000_000}
# 百 and 千 that belong to the word behind them: 百分点, 千瓦.
_OF_NUMBER = r"(?:[十万亿]|百(?!分[点之])|千(?![瓦米克卡伏焦赫]))"
_DIGIT = "[零〇一二两三四五六七八九]"
_CHINESE = re.compile(rf"(?:{_DIGIT}|十)(?:{_DIGIT}|{_OF_NUMBER})*(?:点{_DIGIT}+[万亿]*)?")
_SCALED = re.compile(rf"(?<![\d.])(\d+(?:\.\d+)?)({_OF_NUMBER}+)")
_FRACTION = re.compile(r"([百千])分之(?=[\d零〇一二两三四五六七八九十百])")
_NUMBER = r"\d+(?:\.\d+)?"


@cache
def _simplifier() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def without_marks(text: str) -> str:
    """``text`` without citation marks (``[1]``, ``①``) and without the numbers that open the lines of a list."""
    return _ENUMERATOR.sub("", _MARK.sub("", text))


def chinese_number(words: str) -> Decimal | None:
    """The value of a Chinese numeral, ``None`` where the characters form none (``十四五``).

    >>> [str(chinese_number(words)) for words in ("六", "十二", "二百八", "一千零五十", "七点五亿", "二〇二四")]
    ['6', '12', '280', '1050', '750000000.0', '2024']
    """
    whole, point, fraction = words.partition("点")
    if point:
        scale = 1
        while fraction and fraction[-1] in _LARGE:
            scale *= _LARGE[fraction[-1]]
            fraction = fraction[:-1]
        value = chinese_number(whole)
        digits = "".join(str(_DIGITS[character]) for character in fraction)
        return None if value is None else Decimal(f"{value}.{digits}") * scale
    if all(character in _DIGITS for character in whole):
        return Decimal("".join(str(_DIGITS[character]) for character in whole))
    total = section = Decimal(0)
    digit: int | None = None
    last_scale, after_zero = 1, False
    for character in whole:
        if character in _DIGITS:
            if digit:
                return None
            digit, after_zero = _DIGITS[character], after_zero or _DIGITS[character] == 0
            continue
        if character in _SMALL:
            section += (1 if digit is None else digit) * _SMALL[character]
            last_scale = _SMALL[character]
        else:
            total = (total + section + (digit or 0)) * _LARGE[character]
            section, last_scale = Decimal(0), 1
        digit, after_zero = None, False
    if digit and last_scale >= 100 and not after_zero:
        digit *= last_scale // 10
    return total + section + (digit or 0)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _arabic(match: re.Match[str]) -> str:
    value = chinese_number(match.group())
    return match.group() if value is None else _plain(value)


def _scaled(match: re.Match[str]) -> str:
    value = Decimal(match.group(1))
    for character in match.group(2):
        value *= (_SMALL | _LARGE)[character]
    return _plain(value)


def _width(text: str) -> str:
    text = re.sub(r"㎡|m²", "平方米", text)
    text = unicodedata.normalize("NFKC", text).translate(_UNIFIED).translate(_DELETED)
    text = re.sub(r"(?<=[\d%])\s+(?=\d)", "、", text)
    text = re.sub(r"\s+", "", text)
    return re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text).casefold()


def _percent(text: str) -> str:
    """百分之6 becomes 6%; numerals behind 百分之 are read first, so that nothing else need be."""
    pattern = re.compile(rf"([百千])分之(?:({_NUMBER})|({_CHINESE.pattern}|百))")

    def replace(match: re.Match[str]) -> str:
        sign = "%" if match.group(1) == "百" else "‰"
        if match.group(2):
            return match.group(2) + sign
        value = Decimal(100) if match.group(3) == "百" else chinese_number(match.group(3))
        return match.group() if value is None else _plain(value) + sign

    return pattern.sub(replace, text)


@lru_cache(maxsize=20_000)
def fold(text: str) -> str:
    """``text`` with width, spaces, quotation marks, traditional characters and the spelling of numbers made equal.

    For comparison only, never for display: 一般 becomes 1般 on both sides.

    >>> fold("增長百分之六點五；投入１，０００ 万元")
    '增长6.5%;投入10000000元'
    """
    text = _percent(_width(_simplifier().convert(text)))
    text = _CHINESE.sub(_arabic, text)
    text = re.sub(r"(?<=\d)[至到](?=\d)", "-", _SCALED.sub(_scaled, text))
    return re.sub(r"(?<![\d.])(\d+)\.(\d*?)0+(?![\d.])", lambda m: f"{m[1]}.{m[2]}" if m[2] else m[1], text)


def contains(text: str, value: str) -> bool:
    """Whether ``value`` stands in ``text`` after folding, and not as a part of another number or unit.

    >>> [contains(text, "6%") for text in ("增长百分之六", "增长16%", "增长6.5%")]
    [True, False, False]
    """
    haystack, needle = fold(text), fold(value)
    if not needle:
        return False
    start = haystack.find(needle)
    while start != -1:
        if _starts_free(haystack, start, needle) and _ends_free(haystack, start + len(needle), needle):
            return True
        start = haystack.find(needle, start + 1)
    return False


def _starts_free(text: str, start: int, needle: str) -> bool:
    if not needle[0].isdigit() or start == 0:
        return True
    before = text[start - 1]
    if before.isdigit() or (before.isascii() and before.isalpha()):
        return False
    if before in ".-至到" and start > 1:
        return not text[start - 2].isdigit() and not (before == "-" and text[start - 2] in "长降为是达")
    return True


def _ends_free(text: str, end: int, needle: str) -> bool:
    after = text[end : end + 4]
    last = needle[-1]
    if last.isdigit():
        return not re.match(r"[\d%‰十百千万亿]|[.\-至到]\d", after)
    if last == "个":
        return not after.startswith("百分点")
    if last == "元":
        return not after.startswith("/")
    return True


def figures_of(text: str) -> tuple[Figure, ...]:
    """The figures of an answer: citation marks, list numbers, years and dates are none.

    Percentages and quantities written in Chinese numerals count (百分之六, 十二个); 一个 and 三大 do not.
    """
    plain = _percent(_width(without_marks(text).replace("\n", "；")))
    counted = "|".join(sorted((re.escape(unit) for unit in units()), key=len, reverse=True))
    quantity = re.compile(rf"(?<!第)(?:{_CHINESE.pattern})(?=(?:余|多)?(?:{counted}))")
    plain = quantity.sub(lambda m: _arabic(m) if len(m.group()) > 1 else m.group(), plain)
    return find_figures(plain)
