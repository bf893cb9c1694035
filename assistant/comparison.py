"""Two years side by side: which figures may be subtracted, what comes out, and what a question wants compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache

from assistant.canonical import Codebook
from assistant.indicator import words
from assistant.ledger import EntryKind, Ledger, LedgerEntry
from assistant.normalise import fold
from corpus.types import Document

DERIVED = "计算得出，非原文"
# Relations that say by how much something changed; the others say how much there is, or how much was done.
_RISES = re.compile(r"增长|提高|提升|上升|增加|增收|净增")
_FALLS = re.compile(r"下降|降低|减少|回落|压减|缩短")
_UP_TO = re.compile(r"[到至]$")
_WHOLE = re.compile(r"^(?:全区|全市|全县|全省|全年)")

_BEFORE = r"去年|上年|上一年|前一年"
_NOW = r"今年|本年|当年"
_COMPARES = re.compile(
    r"比(?:怎么样|怎样|如何|咋样|起来)|(?:去年|上年|今年|\d{4}年?)(?:的|实际|目标)?比(?=$|[?？呢，,])|对比|相比|比较|差距|差异|变化|相差|差(?:了|出)?(?:多少|几|多大)|(?:比|较|跟|和|与)[^，。？]{0,14}(?:高|低|多(?!少)|(?<!多)少|快|慢)(?:了|出)?(?:多少|几|多|$|[？?吗呢])"
    r"|(?:提高|降低|增加|减少|上升|下降|回落|加快|放缓|提升)(?:了)?(?:几|多少)个?百分点"
)
_SAID = re.compile(
    r"比(?:怎么样|怎样|如何|咋样|起来)|(?:提高|降低|增加|减少|上升|下降|回落|加快|放缓|提升|高|低|多|少|快|慢|差|相差|变化)(?:了|出|的)?(?:多少|几|多大|多)(?:个?百分点|[亿万]?[美]?元|[一-鿿]{1,3})?"
    r"|对比一?下?|相比|比较一?下?|差距|差异|变化|怎么样|怎样|如何|情况|分别|多少|哪个|更?[高低多少快慢](?=$|[？?吗呢了])|几个百分点"
    r"|预期|计划|目标(?:值|数)?|实际(?!利用|使用|到)(?:完成)?(?:值|数)?|完成(?:情况|值|数)?(?=$|[^一-鿿]|[的比与和])|执行|增速(?=目标|实际)|(?:请|帮我)?(?:算|看|查)?一?下"
)
_PARTICLES = re.compile(
    r"^[的和与跟比较同是在了,，、？?。呢吗啊呀把,:：]+|[的和与跟比较同是在了,，、？?。呢吗啊呀:：有]+$"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """One indicator in two years."""

    earlier: LedgerEntry
    later: LedgerEntry


def asked(question: str, document: Document) -> str | None:
    """The indicator that a question wants compared between the document's year and the one before.

    Returns:
        The words for the indicator, empty where the question names none; ``None`` where it asks for no comparison.

    >>> from corpus.types import Document
    >>> asked("今年GDP目标比去年实际高几个百分点？", Document("d", "", "", "", "某区", 2024, ()))
    'gdp'
    """
    year = document.year
    if year is None:
        return None
    text = fold(question)
    before, now = rf"{_BEFORE}|{year - 1}年?", rf"{_NOW}|{year}年?"
    if not (re.search(before, text) and (re.search(now, text) or "目标" in text) and _COMPARES.search(text)):
        return None
    rest = re.sub(rf"{before}|{now}", " ", text)
    rest = _SAID.sub(" ", rest)
    place = document.place
    for name in (place, place[:-1]) if len(place) > 2 else (place,):
        rest = rest.replace(name, " ") if name else rest
    pieces = [_PARTICLES.sub("", piece) for piece in re.split(r"[\s,，？?]+", rest)]
    pieces = [piece for piece in pieces if piece and not re.fullmatch(r"[比较和与跟同的是]+", piece)]
    return max(pieces, key=len, default="")


def indicator_of(content: str) -> str:
    """The words for an indicator in what a question is about (“地区生产总值增长了” is about 地区生产总值)."""
    return _PARTICLES.sub(
        "",
        re.sub(
            r"(?:增长|下降|提高|增加|是|达到?|实现|完成)+(?:了|到|多少|几|百分之|个?百分点)*.*$",
            "",
            content.replace(" ", ""),
        ),
    )


def pairs(ledger: Ledger) -> list[Pair]:
    """The indicators with a result in the year before the document's and a target for it, in the order of the targets.

    Taken are only those that may be subtracted, each the only figure of its name. An indicator whose name says too
    little (项目, 企业) is left out: two such may be of different things.
    """
    year = ledger.document.year
    if year is None:
        return []
    results = _unique(ledger.entries, EntryKind.RESULT, year - 1)
    targets = _unique(ledger.entries, EntryKind.TARGET, year)
    return [
        Pair(results[key], target)
        for key, target in targets.items()
        if key in results and not incomparable(results[key], target)
    ]


def _unique(entries: Iterable[LedgerEntry], kind: EntryKind, year: int) -> dict[tuple[str, ...], LedgerEntry]:
    found: dict[tuple[str, ...], list[LedgerEntry]] = {}
    for entry in entries:
        says_too_little = words().bare.fullmatch(words().verb.sub("", entry.indicator)) is not None
        if entry.kind is kind and entry.year == year and not says_too_little:
            key = (_name(entry), entry.place, entry.unit, way(entry))
            found.setdefault(key, []).append(entry)
    return {key: alike[0] for key, alike in found.items() if len(alike) == 1}


@cache
def _book() -> Codebook:
    return Codebook()


def _name(entry: LedgerEntry) -> str:
    """The indicator in the form in which two are compared; listed synonyms are one."""
    return _book().canonical(_WHOLE.sub("", entry.indicator), fixed=False).codes


def way(entry: LedgerEntry) -> str:
    """How a figure is said: as a ``rise``, a ``fall`` or an ``amount``."""
    if _UP_TO.search(entry.relation):
        return "amount"
    return "rise" if _RISES.search(entry.relation) else "fall" if _FALLS.search(entry.relation) else "amount"


def incomparable(earlier: LedgerEntry, later: LedgerEntry) -> str:
    """Why two figures must not be subtracted, in one sentence; empty where they may be."""
    if _name(earlier) != _name(later):
        return f"一个是“{earlier.indicator}”，一个是“{later.indicator}”，口径不同，不能相减"
    if earlier.unit != later.unit:
        return f"一个以“{earlier.unit or '无单位数'}”计，一个以“{later.unit or '无单位数'}”计，单位不同，不能相减"
    if way(earlier) != way(later):
        return f"一个是“{earlier.relation or '总量'}”，一个是“{later.relation or '总量'}”，说法不同，不能相减"
    if earlier.upper or later.upper:
        return "其中有一个是区间，不能相减"
    for entry in (earlier, later):
        if loose := [
            word
            for word in ("以上", "以下", "以内", "左右", "约", "近", "超", "突破", "多", "余")
            if word in entry.bound
        ]:
            return f"{entry.year}年的数字带有“{loose[0]}”，不是确数，不能相减"
    return ""


def formula(pair: Pair) -> str:
    """The larger figure less the smaller, and what comes out; two shares differ by 个百分点."""
    high, low = sorted((pair.earlier, pair.later), key=lambda entry: -entry.value)
    unit = "个百分点" if high.unit == "%" else high.unit
    return f"{_plain(high.value)}{high.unit}－{_plain(low.value)}{low.unit}＝{_plain(high.value - low.value)}{unit}"


def derived(pair: Pair) -> str:
    """The difference of two figures with its formula, labelled as worked out and not written in the document."""
    earlier, later = pair.earlier, pair.later
    names = f"{later.year}年{_KINDS[later.kind]}", f"{earlier.year}年{_KINDS[earlier.kind]}"
    if later.value == earlier.value:
        return f"{DERIVED}：{formula(pair)}，{names[0]}与{names[1]}持平。"
    is_rate = later.unit == "%"
    what = {"rise": "增幅", "fall": "降幅"}.get(way(later), "") if is_rate else ""
    comparative = ("低", "高") if is_rate else ("少", "多")
    difference = formula(pair).rpartition("＝")[2]
    return f"{DERIVED}：{formula(pair)}，即{names[0]}{what}比{names[1]}{comparative[later.value > earlier.value]}{difference}。"


_KINDS = {EntryKind.RESULT: "实际", EntryKind.TARGET: "目标", EntryKind.STOCK: "", EntryKind.COUNT: ""}


def _plain(value: Decimal) -> str:
    return f"{value.normalize():f}"
