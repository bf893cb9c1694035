"""Two years side by side: which figures may be subtracted, what comes out, and what a question wants compared."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from assistant.canonical import Codebook, same_words
from assistant.indicator import words
from assistant.ledger import EntryKind, Ledger, LedgerEntry
from assistant.normalise import fold
from corpus.types import Document

DERIVED = "计算得出，非原文"
# Relations that say by how much something changed; the others say how much there is, or how much was done.
_RISES = re.compile(r"增长|提高|提升|上升|增加|增收|净增")
_FALLS = re.compile(r"下降|降低|减少|回落|压减|缩短")
_UP_TO = re.compile(r"[到至]$")
_LEVEL = re.compile(r"(?:国家|[省市区县镇村])级(?:以上)?")
_WHOLE = re.compile(r"^(?:全区|全市|全县|全省|全年)")

_BEFORE = r"去年|上年|上一年|前一年"
_NOW = r"今年|本年|当年"
_CHANGE = r"提高|降低|增加|减少|上升|下降|回落|加快|放缓|提升|放慢|调低|调高|下调|上调|降|升|增|减|少|多|高|低|快|慢|差"
_COMPARES = re.compile(
    r"比(?:怎么样|怎样|如何|咋样|起来|今年)|(?:和|与|跟|同)(?:去年|上年)[^，。]{0,3}比|(?:放缓|放慢|回落|加快|变动)了?(?:多少|几)|(?:去年|上年|今年|\d{4}年?)(?:的|实际|目标)?比(?=$|[?？呢，,])|对比|对照|相比|比较|差距|差异|变化|变动|相差|之差|差(?:了|出)?(?:多少|几|多大)"
    r"|(?:比|较|跟|和|与)[^，。？]{0,14}(?:高|低|多(?!少)|(?<!多)少|快|慢|放缓|放慢|回落|调低|调高|下调|上调)(?:了|出)?(?:多少|几|多|的|$|[？?吗呢])"
    r"|(?:提高|降低|增加|减少|上升|下降|回落|加快|放缓|提升)(?:了)?(?:几|多少)个?(?:百分)?点"
)
_SAID = re.compile(
    rf"比(?:怎么样|怎样|如何|咋样|起来)|(?:{_CHANGE}|相差|变化|变动)(?:了|出|的)?(?:多少|几|多大|多)(?:个?(?:百分)?点|[亿万]?[美]?元|[一-鿿]{{1,3}})?"
    r"|(?:有|的)?(?:什么)?(?:变化|变动)(?:幅度|情况)?|对比一?下?|对照|相比|比较一?下?|差距|差异|之差|怎么样|怎样|如何|情况|分别|多少|哪个|更?[高低多少快慢](?=$|[？?吗呢了])|几个(?:百分)?点"
    r"|预期|计划|目标(?:值|数)?|实际(?!利用|使用|到)(?:完成)?(?:值|数)?|实绩|完成(?:情况|值|数)?(?=$|[^一-鿿]|[的比与和])|执行|增速(?=目标|实际)|(?:请|帮我)?(?:算|看|查)?一?下|两年|及其"
)
_SAID_OF = re.compile(r"(?<=..)(?:增长|下降|提高|增加|涨|是|达到?|实现|完成|打算|计划|目标|实际(?!利用|使用|到))")
_EMPTY = re.compile(
    r"(?:比|较|和|与|跟|同|的|是|要|有|哪些|哪几[个项]?|所有|全部|什么|指标|目标|数字|项目|[高低多少快慢])+"
)
_LOWER, _HIGHER = re.compile(r"低|(?<!多)少|慢|降|减|回落|放缓"), re.compile(r"高|多(?!少)|快|升|增|加")
_PARTICLES = re.compile(
    r"^[的和与跟比较是在了要就,，、？?。呢吗啊呀把,:：]+|(?:[的和与跟比较是在了要就,，、？?。呢吗啊呀:：有]|(?<![合协共会])同)+$"
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
    names_now = re.search(rf"{now}|目标|计划|相比|对比|变化|变动", text)
    if not (re.search(before, text) and names_now and _COMPARES.search(text)):
        return None
    rest = re.sub(rf"{before}|{now}", " ", text)
    rest = _SAID.sub(" ", rest)
    place = document.place
    for name in (place, place[:-1]) if len(place) > 2 else (place,):
        rest = rest.replace(name, " ") if name else rest
    pieces = [_PARTICLES.sub("", piece) for piece in re.split(r"[\s,，？?]+", rest)]
    pieces = [piece for piece in pieces if piece and not _EMPTY.fullmatch(piece)]
    return max(pieces, key=len, default="")


def direction(question: str) -> int:
    """Whether a question asks which indicators are lower (-1) or higher (1) than the year before; 0 for neither."""
    text = fold(question)
    if not re.search(r"哪些|哪几|有什么", text):
        return 0
    return -1 if _LOWER.search(text) else 1 if _HIGHER.search(text) else 0


def indicator_of(content: str) -> str:
    """The words for an indicator in what a question is about (“地区生产总值增长了” is about 地区生产总值)."""
    words = _SAID_OF.split(content.replace(" ", ""), maxsplit=1)[0]
    return _PARTICLES.sub("", words)


def pairs(ledger: Ledger) -> list[Pair]:
    """The indicators with a result in the year before the document's and a target for it, in the order of the targets.

    Taken are only those that may be subtracted, each the only figure of its name. An indicator whose name says too
    little (项目, 企业) is left out: two such may be of different things.
    """
    year = ledger.document.year
    if year is None:
        return []
    book = Codebook()
    results = _unique(ledger.entries, EntryKind.RESULT, year - 1, book)
    targets = _unique(ledger.entries, EntryKind.TARGET, year, book)
    return [
        Pair(results[key], target)
        for key, target in targets.items()
        if key in results and not incomparable(results[key], target)
    ]


def _unique(
    entries: Iterable[LedgerEntry], kind: EntryKind, year: int, book: Codebook
) -> dict[tuple[str, ...], LedgerEntry]:
    found: dict[tuple[str, ...], list[LedgerEntry]] = {}
    for entry in entries:
        says_too_little = words().bare.fullmatch(words().verb.sub("", entry.indicator)) is not None
        if entry.kind is kind and entry.year == year and not says_too_little:
            key = (book.canonical(_name(entry)).codes, entry.place, entry.unit, way(entry))
            found.setdefault(key, []).append(entry)
    return {key: alike[0] for key, alike in found.items() if len(alike) == 1}


def _name(entry: LedgerEntry) -> str:
    """The indicator without what only says that it is the whole place's."""
    return _WHOLE.sub("", entry.indicator)


def way(entry: LedgerEntry) -> str:
    """How a figure is said: as a ``rise``, a ``fall`` or an ``amount``."""
    if _UP_TO.search(entry.relation):
        return "amount"
    return "rise" if _RISES.search(entry.relation) else "fall" if _FALLS.search(entry.relation) else "amount"


def is_same_indicator(one: LedgerEntry, other: LedgerEntry) -> bool:
    """Whether two figures are of one indicator, said in one way, in one unit."""
    return (one.unit, way(one)) == (other.unit, way(other)) and same_words(_name(one), _name(other))


def incomparable(earlier: LedgerEntry, later: LedgerEntry) -> str:
    """Why two figures must not be subtracted, in one sentence; empty where they may be."""
    if not same_words(_name(earlier), _name(later)):
        return f"一个是“{earlier.indicator}”，一个是“{later.indicator}”，口径不同，不能相减"
    if earlier.unit != later.unit:
        return f"一个以“{earlier.unit or '无单位数'}”计，一个以“{later.unit or '无单位数'}”计，单位不同，不能相减"
    if way(earlier) != way(later):
        return f"一个是“{earlier.relation or '总量'}”，一个是“{later.relation or '总量'}”，说法不同，不能相减"
    levels = [set(_LEVEL.findall(entry.quote)) for entry in (earlier, later)]
    if levels[0] != levels[1]:
        said = ["、".join(sorted(level)) or "未分级" for level in levels]
        return f"一个是{said[0]}的，一个是{said[1]}的，范围不同，不能相减"
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
