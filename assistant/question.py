"""Understand what a question asks for: terms, year, kind, place, form of the answer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

import jieba

from assistant.normalise import arabic, fold, tidy
from assistant.wordlists import everyday, everyday_pattern, place_pattern, question_words
from corpus.figures import units
from corpus.types import Document, Kind


class Form(StrEnum):
    """The form of answer that a question wants."""

    AMOUNT = "amount"
    LIST = "list"
    WHO = "who"
    WHERE = "where"
    WHEN = "when"
    WHY = "why"
    HOW = "how"
    YESNO = "yesno"
    WHAT = "what"


@dataclass(frozen=True, slots=True)
class Term:
    """A content word of the question with the official words that may stand for it, all folded."""

    text: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as understood.

    ``years`` are the years it names, 今年 and 去年 resolved by the document; empty where it names none.
    ``kind`` is ``None`` where the wording does not say. ``unit`` is the measure word asked for (多少家: 家) and
    ``unit_class`` percent, money or an empty string. ``places`` are places named other than the document's own,
    ``content_text`` the question without years and own place, ``quoted`` the words that it puts in quotation marks, folded. ``insists_on_kind`` says that 目标 or 实际 stand there
    in so many words.
    """

    text: str
    folded: str
    terms: tuple[Term, ...]
    content: str
    years: tuple[int, ...]
    kind: Kind | None
    form: Form
    unit: str
    unit_class: str
    places: tuple[str, ...]
    content_text: str = ""
    quoted: tuple[str, ...] = ()
    insists_on_kind: bool = False


_ABSOLUTE_YEAR = re.compile(r"(?<!\d)((?:19|20)\d{2})(?:年度?|(?=[^\d]|$))")
_SHORT_YEAR = re.compile(r"(?<!\d)(\d{2})年(?!来|间|内|以)")
_RELATIVE_YEARS = (
    (re.compile(r"大前年"), -3),
    (re.compile(r"前年"), -2),
    (re.compile(r"去年|上年|上一年|前一年|头一年"), -1),
    (re.compile(r"今年|本年度?|这一年|年内|这年"), 0),
    (re.compile(r"明年|(?<![十百千几])来年|下一年|次年"), 1),
    (re.compile(r"后年"), 2),
)
_TITLE_MENTION = re.compile(
    r"(?:20\d\d年?)?(?:国民经济和社会发展)?(?:的)?(?:政府工作报告|工作报告|计划报告|国民经济和社会发展计划|这份计划|这份文件|本计划|该计划|计划文件|计划书)(?:里面|里|中|上|提到的?|说的?|显示|要求)?"
)
_UNITS = frozenset({*units(), *(scale + unit for scale in "万亿" for unit in units()), "万亿", "块", "块钱", "钱"})
_COUNTED = re.compile(r"[一二两三四五六七八九十百\d]+(?:个|大|项|种|条|家|类|位|方面)?")
_WIDER = re.compile(r"(?:全市|全省|全国|省里|我省|我国)(?=的|\d|今|去|gdp|地区生产总值|经济|财政|农|城|工|居民|人均)")
_FREE = re.compile(r"[市省县区的今去全]|地区|经济|人均|工业|农业|财政|城镇|农村|居民|固定|社会|一般|外贸|进出")
_PERIOD = re.compile(r"十[一二三四五六]五")  # a time and no name, though it stands in quotation marks
_QUOTED_WORDS = re.compile(r"[“\"「『‘]([^“”\"「」『』‘’]{2,12})[”\"」』’]")
NAMED_ACTUAL = re.compile(r"实际(?=利用|使用|到位|吸收|引进|外资|产量|直接)")
_INSISTS = re.compile(r"目标|计划(?!生育)|预期|打算|任务|实际|完成了|完成情况|执行情况|已经|实现了|达到了")
_BRACKETED_UNIT = re.compile(r"[(（](?:单位[:：]?)?[十百千万亿]*(元|美元|吨|亩|人|户|家|个|%|平方米|公里)[)）]")
_SET_ASIDE = re.compile(
    r"(?:^|[,，])(?:可?(?<!是)不是|别说|先?不(?:说|要|问|看|管))(?:(?:20\d\d|[去今上])年|计划|目标|实际)[^,，。？?]{0,8}(?=[,，。？?]|$)[,，]?"
)
_FOR_A_THING = re.compile(
    r"^(?!.*(?:多少|百分之|第几|几成)).*(?:(?<!是)(?:什么|啥)|哪一?(?:种|套|类|级|款))[^,，。？?]{1,10}[?？。]?$"
)
_POINTS = re.compile(
    r"(?:涨|增|降|升|提高|高|低|快|慢|多|少|率|占)[^,，。]{0,4}(?:多少|几)个?(?:点|百分比)(?=$|[啊呀呢吧了,，?？。])"
)
_RISES_TO = re.compile(r"(?:上?涨|提高|提升|下?降|增加|增长|压减?|压缩|上?升|调)(?:到|至)")
_COLLOQUIAL_YUAN = re.compile(r"^块(?=钱|[啊呀呢吧,，?？。]|$)")
_MEASURED = re.compile(r"(?:多少|几)(?:个)?")


def years_named(folded: str, plan_year: int | None) -> tuple[int, ...]:
    """Years that a folded question names, in order; 今年 is the plan's year, whatever the calendar says."""
    found: list[tuple[int, int]] = [(m.start(), int(m.group(1))) for m in _ABSOLUTE_YEAR.finditer(folded)]
    found += [(m.start(), 2000 + int(m.group(1))) for m in _SHORT_YEAR.finditer(folded) if 0 < int(m.group(1)) < 50]
    if plan_year is not None:
        taken: list[range] = []
        for pattern, shift in _RELATIVE_YEARS:
            for m in pattern.finditer(folded):
                if not any(m.start() in span for span in taken):
                    taken.append(range(m.start(), m.end()))
                    found.append((m.start(), plan_year + shift))
    return tuple(dict.fromkeys(year for _, year in sorted(found)))


def understand(text: str, document: Document) -> Question:
    """Read a stand-alone question against the document that it is put to.

    Args:
        text: The question as typed or made stand-alone; one line.
        document: Gives the year that 今年 means and the place that needs no naming.

    Returns:
        The question as understood; ``terms`` is empty where nothing but question words is left.
    """
    bracketed = _BRACKETED_UNIT.search(text)
    folded = fold(arabic(fold(tidy(_BRACKETED_UNIT.sub("", text)))))
    rest = _without_title(_SET_ASIDE.sub("", folded) or folded, document)
    years = years_named(rest, document.year)
    if len(years) < 2 and document.year is not None and _asks_both(rest):
        years = (document.year - 1, document.year)
    unit = bracketed.group(1) if bracketed else _unit_asked(rest)
    form = _form(rest)
    places = _other_places(rest, document)
    quoted = tuple(
        fold(words)
        for words in _QUOTED_WORDS.findall(tidy(text))
        if (len(words) < 6 or fold(words) not in fold(document.title)) and not _PERIOD.match(fold(words))
    )
    content = _content(rest, document)
    for words in quoted:
        content = content.replace(words, " ")
    terms = tuple(Term(words, (words,)) for words in quoted) + _terms(content, document.text)
    return Question(
        text=text,
        folded=folded,
        terms=terms,
        content="".join(term.text for term in terms) or content,
        years=years,
        kind=_kind(rest, years, document.year),
        form=form,
        unit=unit,
        unit_class=_unit_class(rest, unit, form),
        places=places,
        content_text=content,
        quoted=quoted,
        insists_on_kind=bool(_INSISTS.search(NAMED_ACTUAL.sub("", rest))),
    )


def _form(folded: str) -> Form:
    for name, pattern in question_words().forms:
        if pattern.search(folded) and not (name == Form.AMOUNT and _FOR_A_THING.search(folded)):
            return Form(name)
    return Form.WHAT


def _without_title(folded: str, document: Document) -> str:
    title = fold(document.title)
    return _TITLE_MENTION.sub("", folded.replace(title, "")) if len(title) >= 6 else _TITLE_MENTION.sub("", folded)


def _asks_both(folded: str) -> bool:
    """Whether a question asks for target and result side by side (目标和去年实际各是多少)."""
    words = question_words()
    plain = NAMED_ACTUAL.sub("", folded)
    target, result = re.search("目标|计划|预期|打算|定了", plain), words.result.search(plain)
    return bool(target and result and re.search(r"和|与|及|各|分别|对比|相比|比较|[,，、]", plain))


def _kind(folded: str, years: tuple[int, ...], plan_year: int | None) -> Kind | None:
    words = question_words()
    folded = NAMED_ACTUAL.sub("", folded)
    target, result = words.target.search(folded), words.result.search(folded)
    if re.search(r"完成.{0,6}(?:任务|目标)|(?:任务|目标).{0,4}完成(?!率)", folded):
        return Kind.RESULT
    if target and not result:
        return Kind.TARGET
    if result and not target:
        return Kind.RESULT
    return None


def _unit_asked(folded: str) -> str:
    if _POINTS.search(folded):
        return "个百分点"
    for match in _MEASURED.finditer(folded):
        rest = folded[match.end() - (1 if match.group().endswith("个") else 0) :].lstrip("十百千万亿")
        rest = _COLLOQUIAL_YUAN.sub("元", rest)
        for unit in units():
            if rest.startswith(fold(unit)) and unit not in {"年", "级", "强", "天", "步", "方", "度"}:
                return unit
    return ""


def _unit_class(folded: str, unit: str, form: Form) -> str:
    if "%" in unit or "百分点" in unit:
        return "percent"
    if unit and unit[-1] == "元":
        return "money"
    if unit or form is not Form.AMOUNT:
        return ""
    words = question_words()
    if re.search(r"多少个?亿", folded):
        return "money"
    folded = _RISES_TO.sub("", folded)
    if words.money.search(words.rates.sub("", folded)) and not re.search(
        r"增长|增速|增幅|涨|比重|占比|比例|份额|几成|强度|多了|下降|项目", folded
    ):
        return "money"
    if words.percent.search(folded):
        return "percent"
    return ""


def _other_places(folded: str, document: Document) -> tuple[str, ...]:
    own = document.place or "〓"
    stem = own[:-1] if len(own) > 2 else own
    found = []
    for match in place_pattern().finditer(folded):
        name = match.group()
        if name in own or own in name or name == stem or _is_part_of_name(match, folded, document.text):
            continue
        found.append(name)
    wider = _WIDER.match(re.sub(r"^(?:\d{4}年|今年|去年|的|,|，)+", "", folded))
    if wider and own and not (own.endswith("市") and wider.group().startswith(("全市", "市里"))):
        found.append(wider.group())
    return tuple(dict.fromkeys(found))


def _is_part_of_name(match: re.Match[str], folded: str, text: str) -> bool:
    """Whether a place only stands inside a longer name that the document has too (泰山钢铁, 青岛中车)."""
    after = folded[match.end() : match.end() + 2]
    before = folded[max(0, match.start() - 1) : match.start()]
    longer = [match.group() + after] if re.fullmatch(r"[一-鿿]{2}", after) and not _FREE.match(after) else []
    longer += (
        [before + match.group()] if re.fullmatch(r"[一-鿿]", before) and before not in "在是从到和与跟比对的" else []
    )
    return any(words in text for words in longer)


def _content(folded: str, document: Document) -> str:
    for pattern in (_ABSOLUTE_YEAR, _SHORT_YEAR, *(pattern for pattern, _ in _RELATIVE_YEARS)):
        folded = pattern.sub(" ", folded)
    own = document.place
    for name in dict.fromkeys((own, own[:-1] if len(own) > 2 else own)):
        if name:
            folded = folded.replace(fold(name), " ")
    return re.sub(r"[^\w%.+/]+", " ", folded).strip()


def _terms(content: str, text: str) -> tuple[Term, ...]:
    """Content words in order; an everyday word becomes one term with its official words as alternatives.

    A counted noun (三大战略) is a term of its own where the document has it.
    """
    found: list[Term] = []
    position = 0
    table = everyday()
    pieces: list[tuple[str, tuple[str, ...]]] = []
    for match in everyday_pattern().finditer(content):
        if match.start() > position:
            pieces.append((content[position : match.start()], ()))
        pieces.append((match.group(), table[match.group()]))
        position = match.end()
    pieces.append((content[position:], ()))
    noise = question_words().noise
    for piece, alternatives in pieces:
        if alternatives:
            found.append(Term(piece, (piece, *alternatives)))
            continue
        cleaned = question_words().phrases.sub(" ", piece)
        for chunk in cleaned.split():
            tokens = jieba.lcut(chunk)
            for token, following in zip_longest(tokens, tokens[1:], fillvalue=""):
                if (
                    len(token) > 1
                    and _COUNTED.fullmatch(token)
                    and token + following in text
                    and following not in noise
                ):
                    found.append(Term(token + following, (token + following,)))
                if (
                    token not in noise
                    and not _COUNTED.fullmatch(token)
                    and token not in _UNITS
                    and (len(token) > 1 or "一" <= token <= "鿿")
                ):
                    found.append(Term(token, (token,)))
    return tuple(dict.fromkeys(found))
