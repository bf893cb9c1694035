"""Read what a figure is a figure of: the noun phrase beside it and the word that ties the two.

Pure functions over words, by the lists of ``wordlists/ledger.toml``; no document is known here.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import jieba

from corpus.figures import bound_words, find_figures
from corpus.types import Figure

_FRONT = 14  # characters in which the verbs at the front of a statement end
MAX_ADJECTIVE = 6  # characters of a predicate that may stand before its noun without 的
MAX_INDICATOR = 40  # characters; a longer one is a sentence, not the name of an indicator
_TIME = r"(?:到|截至|截止|至)?\d{4}年(?:\d{1,2}月)?(?:底|末|初|度)?|(?:前|第)?[一二三四]个?季度|\d{1,2}(?:[-—－~至]\d{1,2})?月份?(?:底|末)?"
_JOINTS = " 　，、和与及"
_EDGES = "、，,；;：: 　"
_PARTICLES = re.compile(r"^(?:的|和|与|及|并|在|或)(?=..)|(?<=..)(?:的|和|与|及|方面|过程中|(?<=....)(?<![初高其])中)$")
_LEVEL = re.compile(r"^(?:国家|省部?|市厅?|州|区|县|镇)级(?:及?以上)?")
_GOES_ON = r"[生域块位间内外士]|[一-鿿]?(?:公司|集团)"
_QUOTES = re.compile(r"[“”‘’《》]")
_COMPARED = re.compile(r"(?:比|较|是|为|相当于)(?:(?:19|20)\d{2}年|“?十[一二三四五]五”?)[^，。；、]{0,8}$")
_SHARE_OR_RANK = re.compile(r"占(?!地|用)|(?:位|跃)?居(?=全|第|世|同)|位?列(?=全|第)")
_IDLE = re.compile(r"^(?:均|都|已|可)+")
_REACHED = re.compile("完成|实现")
_ITEM = re.compile(r"^\s*(?:\d{1,3}|[一二三四五六七八九十]+)[.．、]\s*|^[.．]")
_NOTE = re.compile(r"【\d*】?|^】|\[\d+\]")
_WORD = re.compile(r"[一-鿿A-Za-z]")


@dataclass(frozen=True, slots=True)
class Reading:
    """What stands beside a figure, read.

    ``describes`` says that the figure only describes the indicator (``7个省重点…``, ``年产3000吨…项目``): it stands in
    front of its noun. ``is_size`` says that it is a size in a name and not a number of things.
    """

    indicator: str
    relation: str
    describes: bool = False
    is_size: bool = False


@dataclass(frozen=True, slots=True)
class Words:
    """The word lists as patterns; see the comments in ``ledger.toml``."""

    opening: re.Pattern[str]
    manner: re.Pattern[str]
    light: re.Pattern[str]
    verb: re.Pattern[str]
    inner_verb: re.Pattern[str]
    relation: re.Pattern[str]
    adverb: re.Pattern[str]
    predicate: re.Pattern[str]
    code: re.Pattern[str]
    tail: re.Pattern[str]
    bare: re.Pattern[str]
    sized: re.Pattern[str]
    size_opener: re.Pattern[str]
    body: re.Pattern[str]
    zone: re.Pattern[str]
    foreign: re.Pattern[str]
    dependent: frozenset[str]
    stock_relations: frozenset[str]
    stock_nouns: re.Pattern[str]
    spans_of_time: frozenset[str]
    verbal_bounds: frozenset[str]


def _any(words: Sequence[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


@cache
def words() -> Words:
    """The word lists, read once."""
    data: dict[str, Any] = tomllib.loads(files("assistant").joinpath("wordlists/ledger.toml").read_text("utf-8"))
    place = data["place"]
    doing = [*data["verbs"], *data["light"], *data["manners"]]
    return Words(
        opening=re.compile(rf"(?:{_any(data['openings'])}|{_TIME})[，,]?"),
        manner=re.compile(rf"(?:{_any(data['manners'])})(?={_any(doing)})"),
        light=re.compile(rf"(?:{_any(data['light'])})了?"),
        verb=re.compile(rf"(?:{_any(data['verb_prefixes'])})*(?:{_any(data['verbs'])})了?"),
        inner_verb=re.compile(_any(data["inner_verbs"])),
        relation=re.compile(rf"(?:{_any(data['relations'])})了?$"),
        adverb=re.compile(rf"(?:{_any(data['relation_adverbs'])})$"),
        predicate=re.compile(_any(data["predicates"])),
        code=re.compile(rf"(?:{_any(data['codes'])})"),
        tail=re.compile(rf"^(?:{_any(data['tails'])})"),
        bare=re.compile(rf"^(?:{_any(data['bare_modifiers'])})*(?:{_any(data['bare'])})?$"),
        sized=re.compile(rf"(?:{_any(data['sized'])})(?:建设)?$"),
        size_opener=re.compile(rf"(?:{_any(data['size_openers'])})$"),
        body=re.compile(rf"^[^，；。、]{{1,24}}?(?:{_any(place['endings'])})(?:（[^）]*）)?(?!{_GOES_ON})"),
        zone=re.compile(rf"^[^，；。、]{{1,12}}?(?:{_any(place['zones'])})(?!{_GOES_ON})"),
        foreign=re.compile(_any(place["foreign"])),
        dependent=frozenset(data["dependent"]),
        stock_relations=frozenset(data["stock_relations"]),
        stock_nouns=re.compile(_any(data["stock_nouns"])),
        spans_of_time=frozenset(data["spans_of_time"]),
        verbal_bounds=frozenset(data["verbal_bounds"]),
    )


def read(before: str, figure: Figure, after: str) -> Reading:
    """The indicator and relation of a figure that stands between the words ``before`` and ``after``.

    Args:
        before: The words of the statement up to the figure.
        figure: The figure; its text and unit are read.
        after: The words behind it, up to the next figure or the end of the statement.

    Returns:
        The reading; its indicator is empty where the words name none.

    >>> from corpus.figures import find_figures
    >>> figure = find_figures("12个")[0]
    >>> read("新增停车位", figure, ""), read("推动甲乙等", figure, "项目建成投产").indicator
    (Reading(indicator='停车位', relation='新增', describes=False, is_size=False), '建成投产项目')
    """
    if figure.unit == "周年" or _is_code(before, figure, after):
        return Reading("", "")
    before = _ITEM.sub("", before)
    before, after = _NOTE.sub("", before).strip(), _NOTE.sub("", after).strip()
    if _is_number_first(before, figure, after):
        return _number_first(before, figure, after)
    return _subject_first(before, figure, after)


def _is_number_first(before: str, figure: Figure, after: str) -> bool:
    """Whether the counted noun stands behind the figure (``5个项目``) and not in front of it (``项目5个``)."""
    if not _WORD.match(after.lstrip("“‘《")) or after.startswith("等") or words().tail.match(after):
        return False
    if figure.unit in words().spans_of_time and before.endswith("连续"):
        return False
    return bool(_noun_and_predicate(after)[0])


def _is_code(before: str, figure: Figure, after: str) -> bool:
    """Whether a number without a unit names something: a road, a note, an item of a list."""
    if not figure.text.isdigit():
        return False
    return (
        not before
        or after.startswith(("】", "]", ".", "．", "#"))
        or bool(words().code.match(after))
        or bool(re.search(rf"(?:{words().code.pattern})$", before))
    )


def _number_first(before: str, figure: Figure, after: str) -> Reading:
    noun, predicate = _noun_and_predicate(after)
    opened = _strip_openings(before)
    opener = words().size_opener.search(opened)
    is_size = bool(opener) or (words().sized.search(noun) is not None and _is_quantity(figure))
    opened = opened[: opener.start()] if opener else opened
    named, verbs = _without_verbs(opened.rpartition("、")[2] if is_size else opened, keep_two=False)
    if is_rate(figure):
        return Reading(_clean(named + after.removeprefix("的")), verbs, True)
    plain = re.sub(r"^(?:各类|各项|各|名|类)", "", noun)
    if not words().bare.match(plain):
        indicator = named + noun if is_size and not named.endswith("等") else plain
    else:
        indicator = _with_its_use(plain, named, verbs, predicate)
    if opener:
        said = opener.group() if after.startswith("的") else ""
        return Reading(_clean(indicator.removeprefix("的")) + said, opener.group(), True, True)
    is_light = not verbs or words().light.fullmatch(verbs) is not None
    relation = (_predicate_word(predicate) if is_light else "") or verbs or _own_relation(figure)
    return Reading(_clean(indicator), relation, True, is_size)


def _with_its_use(noun: str, named: str, verbs: str, predicate: str) -> str:
    """A noun that says too little, with what is said of it, or what names it, or its verb (建成投产项目, 甲、乙等项目)."""
    if predicate:
        said, _ = _without_light(_IDLE.sub("", predicate))
        return said + noun if len(said) <= MAX_ADJECTIVE else f"{_clean(said)}的{noun}"
    return (named or verbs) + noun


def _predicate_word(predicate: str) -> str:
    """The verb of a predicate: the whole of a short one (建成投产), else what it opens with (纳入)."""
    if len(predicate) <= 4:
        return predicate
    match = words().predicate.match(predicate)
    return match.group() if match else ""


def _noun_and_predicate(after: str) -> tuple[str, str]:
    """What stands behind a figure, as the counted noun and what is said of it; either may be empty."""
    ends = {0, *_boundaries(after)}
    for match in words().predicate.finditer(after):
        is_quoted = after[: match.start()].count("“") != after[: match.start()].count("”")
        is_word = match.start() in ends and (match.end() in ends or len(match.group()) > 1)
        if is_word and not is_quoted:
            return after[: match.start()], after[match.start() :]
    return after, ""


def _subject_first(before: str, figure: Figure, after: str) -> Reading:
    subject, relation = _without_relation(before)
    relation = relation or _own_relation(figure)
    follows = words().tail.match(after) is None and words().predicate.match(after)
    if not relation and follows:
        relation = _predicate_word(after)
    subject = _strip_openings(_clean(subject))
    if is_rate(figure):
        noun, verbs = _without_light(subject)
    else:
        noun, verbs = _without_verbs(subject)
    if not relation and not verbs and (inner := words().inner_verb.search(noun)):
        verbs = inner.group()  # 城镇新增就业
    return Reading(_clean(noun), relation or verbs)


def _own_relation(figure: Figure) -> str:
    """The verb among the bound words that the figure itself opens with (达到, 突破)."""
    bounds = bound_words()["before"]
    return next((word for word in bounds if word in words().verbal_bounds and figure.text.startswith(word)), "")


def _boundaries(text: str) -> list[int]:
    """Where the words of a text end, in reading order."""
    return [end for _, _, end in jieba.tokenize(text)]


def front(pattern: re.Pattern[str], text: str) -> str:
    """The longest words at the front of ``text`` that a pattern matches, never a part of a word (新增|设施)."""
    fitting = [end for end in _boundaries(text[:_FRONT]) if pattern.fullmatch(text, 0, end)]
    return text[: fitting[-1]] if fitting else ""


def _strip_openings(text: str) -> str:
    """``text`` without time, scope and mood at its front; a word that is all there is stays."""
    while True:
        opening = front(words().opening, text)
        manner = words().manner.match(text)
        cut = len(opening) or (manner.end() if manner else 0)
        if not cut or cut >= len(text):
            return text
        text = text[cut:].lstrip("，, 　")


def _without_relation(text: str) -> tuple[str, str]:
    """``text`` without the relation and the figures at its end, and the relation nearest to that end."""
    nearest = ""
    text = text.rstrip(_JOINTS)
    while text:
        adverb, relation = words().adverb.search(text), words().relation.search(text)
        figures = find_figures(text[-16:], max(len(text) - 16, 0))
        if adverb and (not relation or adverb.start() <= relation.start()):
            text = text[: adverb.start()]
        elif relation:
            nearest = nearest or relation.group().removesuffix("了")
            text = text[: relation.start()]
        elif figures and figures[-1].end == len(text):
            text = text[: figures[-1].start]
        elif compared := _COMPARED.search(text):
            text = text[: compared.start()]
        else:
            break
        text = text.rstrip(_JOINTS)
    return text, nearest


def _without_light(text: str) -> tuple[str, str]:
    """``text`` without light verbs and openings at its front, and the last of those verbs."""
    seen = ""
    while (verb := front(words().light, text)) and len(text) - len(verb) >= 2:
        seen = verb
        text = _strip_openings(text[len(verb) :])
    return text, seen


def _without_verbs(text: str, *, keep_two: bool = True) -> tuple[str, str]:
    """The noun phrase at the end of ``text`` and the verbs in front of it.

    A noun that says too little keeps its verb (洽谈引进项目); of ``A、B等C`` the noun is C, where C says enough.
    """
    text, light = _without_light(text)
    rest, verbs = text, ""
    while verb := front(words().verb, rest):
        left = _strip_openings(rest[len(verb) :])
        if not left and keep_two:
            break
        verbs += verb.removesuffix("了")
        rest, lighter = _without_light(left)
        light = light or lighter
    ends = {0, *_boundaries(rest)}
    inner = [m for m in words().inner_verb.finditer(rest) if m.start() and {m.start(), m.end()} <= ends]
    if inner and not is_bare(rest[inner[-1].end() :]):
        rest, verbs = rest[inner[-1].end() :], inner[-1].group()
    reached = [m.group() for m in _REACHED.finditer(rest) if m.start() and {m.start(), m.end()} <= ends]
    verbs = reached[-1] if reached else verbs
    head, listed, noun = rest.rpartition("等")
    if listed and head and not is_bare(noun):
        level = _LEVEL.match(head)
        rest = (level.group() if level else "") + noun
    noun = re.sub(r"^(?:各类|各级|各项|各|了)", "", _clean(rest))
    noun = _without_counts(noun)
    if keep_two and is_bare(noun):
        return (verbs + noun if verbs else noun), verbs or light
    return noun, verbs or light


def _without_counts(noun: str) -> str:
    """A noun phrase without the number of things that it opens with (``7个省重点完成年度投资``)."""
    for figure in find_figures(noun)[:1]:
        if figure.start == 0 and not figure.bound and figure.unit not in words().spans_of_time:
            return noun[figure.end :]
    return noun


def is_bare(noun: str) -> bool:
    """Whether a noun says too little to stand alone (项目, 大项目, 博士)."""
    noun = _QUOTES.sub("", noun)
    return len(noun) <= 2 or words().bare.match(noun) is not None


def needs_subject(noun: str) -> bool:
    """Whether a noun speaks of what was named before it (总投资, 完工, 占工业投资), so that it cannot stand alone."""
    return (
        not noun
        or noun in words().dependent
        or words().verb.fullmatch(noun) is not None
        or _SHARE_OR_RANK.match(noun) is not None
    )


def is_rate(figure: Figure) -> bool:
    """Whether a figure is a percentage."""
    return figure.unit.endswith(("%", "％", "‰", "百分点"))


def _is_quantity(figure: Figure) -> bool:
    """Whether a figure measures (吨, 亩, 千伏, 元) and does not count things."""
    return figure.unit.endswith(
        ("吨", "伏", "瓦", "亩", "米", "公里", "元", "公顷", "MW", "GW", "kW", "kV", "分钟", "P")
    )


def _clean(noun: str) -> str:
    """A noun phrase without marks and particles at its edges; quotation marks that do not pair are taken out."""
    noun = noun.strip(_EDGES)
    if not noun[:1] or min(_boundaries(noun[:4]), default=1) == 1 or noun[0] not in "和与及并在或":
        noun = _PARTICLES.sub("", noun).strip(_EDGES)
    for opening, closing in ("“”", "（）", "《》"):
        if noun.count(opening) != noun.count(closing):
            noun = noun.replace(opening, "").replace(closing, "")
    return noun
