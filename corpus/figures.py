"""Find the figures of a text: number, unit and bound word, with exact offsets.

Years, dates, numbers of documents, codes (``S234``, ``PM2.5``) and ordinals of meetings are no figures; a rank
(``第4名``) is one.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files

from corpus.types import Figure

_SCALES = {"十": 10, "百": 100, "千": 1_000, "万": 10_000, "亿": 100_000_000}


@cache
def bound_words() -> dict[str, tuple[str, ...]]:
    """The listed bound words by where they stand: ``before``, ``inside`` or ``after`` the unit; longest first."""
    data = tomllib.loads(files("corpus").joinpath("wordlists/bounds.toml").read_text(encoding="utf-8"))
    return {place: tuple(sorted(words, key=len, reverse=True)) for place, words in data.items()}


@cache
def units() -> tuple[str, ...]:
    """The listed units and measure words, longest first; one with brackets (台（套）) also without them."""
    lines = files("corpus").joinpath("wordlists/units.txt").read_text(encoding="utf-8").splitlines()
    listed = {line for line in lines if line and not line.startswith("#")}
    return tuple(sorted(listed | {re.sub(r"[（）()]", "", unit) for unit in listed}, key=len, reverse=True))


@cache
def _pattern() -> re.Pattern[str]:
    words = bound_words()

    def alternatives(options: tuple[str, ...]) -> str:
        return "|".join(map(re.escape, options))

    number = r"\d+(?:[,，]\d{3}(?!\d))*(?:[.．]\d+)?"
    return re.compile(
        rf"(?P<before>{alternatives(words['before'])})?"
        rf"(?P<rank>第)?(?<![\dA-Za-z.．+])(?P<number>{number})(?P<scale1>(?:百(?!分点)|千(?![伏瓦米克卡])|[十万亿])*)"
        rf"(?:(?P<range>[-—－~～至到])(?P<upper>{number}))?"
        rf"(?P<inside>{alternatives(words['inside'])})?(?P<scale>(?:百(?!分点)|千(?![伏瓦米克卡])|[十万亿])*)"
        rf"(?P<unit>{alternatives(units())})?(?P<inside2>[多余])?"
        rf"(?P<after>{alternatives(words['after'])})?"
    )


_YEAR = re.compile(r"(?:19|20)\d{2}$")
_OPENS_ITEM = re.compile(r"[．.][^\d\s]")
_DATE_UNITS = {"年"}


def _is_date_or_code(text: str, match: re.Match[str]) -> bool:
    number, unit, end = match["number"], match["unit"] or "", match.end()
    following = text[end : end + 1]
    if unit in _DATE_UNITS and _YEAR.fullmatch(number):
        return True
    if not unit and _YEAR.fullmatch(number) and following not in "，。、；,":
        return True
    if not unit and (following in tuple("月日号届版〕〉》)") or (following.isascii() and following.isalpha())):
        return True
    if not unit and not match["scale"] and not match["before"] and _OPENS_ITEM.match(text, end):
        return True  # an item of a list (1．…)
    if unit == "强":
        return True  # 世界500强
    if unit == "年" and text[match.start("number") - 1 : match.start("number")] in ("十", "百"):
        return True
    if not unit and not match["scale"] and not match["scale1"] and re.fullmatch(r"\d{5,}", number):
        return True  # a telephone number, a hotline, a postal code
    if not unit and not match["scale"] and following in "”+-—－’" and following:
        return True
    if match["rank"]:
        return unit not in {"名", "位"} and following not in tuple("名位")
    return False


def find_figures(text: str, offset: int = 0) -> tuple[Figure, ...]:
    """All figures of ``text`` in reading order.

    Args:
        text: Words as published.
        offset: Where ``text`` starts in its document; added to every offset.

    Returns:
        Figures without overlap; empty where the text holds none.

    >>> [(f.text, str(f.value), f.unit, f.bound) for f in find_figures("年内完成投资179亿元以上，新增公园3个")]
    [('179亿元以上', '17900000000', '元', '以上'), ('3个', '3', '个', '')]
    """
    found = []
    for match in _pattern().finditer(text):
        if _is_date_or_code(text, match):
            continue
        scale = 1
        for character in (match["scale1"] or "") + (match["scale"] or ""):
            scale *= _SCALES[character]
        unit = (match["unit"] or "").replace("％", "%")
        plain = match["number"].replace(",", "").replace("，", "").replace("．", ".")
        upper = match["upper"]
        bound = (match["before"] or "") + (match["inside"] or match["inside2"] or "") + (match["after"] or "")
        found.append(
            Figure(
                text=match.group(),
                value=Decimal(plain) * scale,
                upper=Decimal(upper.replace(",", "").replace("．", ".")) * scale if upper else None,
                unit=unit,
                bound=bound,
                start=offset + match.start(),
                end=offset + match.end(),
            )
        )
    return tuple(found)
