"""Whether a question is refused: what it insists on is certainly not in the evidence, and the sentence that says so."""

from __future__ import annotations

import re
from collections.abc import Sequence

import jieba.posseg

from assistant.compose import is_enumeration
from assistant.evidence import MEASURES, Evidence, Profile, longest_name, near_cover, term_weights, unit_class
from assistant.header import asks_for_somebody
from assistant.history import topic_of
from assistant.normalise import fold, tidy
from assistant.question import Form, Question
from assistant.wordlists import place_stem_pattern, question_words
from corpus.types import Document, Passage

_DATED = re.compile(
    r"[\d半一二两三四五六七八九十](?:个)?(?:工作日|小时|分钟|天|日办|时办)|\d年|\d月|\d日|年底|月底|季度|上半年|下半年|年内|年末|届"
)
_REASON = re.compile(r"由于|因为|因(?!地)|受.{1,12}影响|原因|主要是|得益于")
_SUM_ASKED = re.compile(r"投资(?:额|是|要|为|达|约)*多少|多少(?:亿|万|元|块|资金|投资)|总投资|造价|金额|(?<!的)多少钱$")
_PERSON_ASKED = re.compile(
    r"谁(?:负责|管|牵头|主管|分管)|哪个人|负责人|姓名|叫什么名字|书记|区长|市长|县长|局长|主任|董事长|总经理|校长|院长|施工单位|承建|设计单位|监理|中标|法人"
)
_PLACE_WORD = re.compile(
    r"[一-鿿]{2,6}?(?:区|镇|乡|街道|村|路|县|市|园|基地|大道|谷|城|片区|校区|公司|峪|沟|岭|湾|湖|河)"
)
_GROWTH = re.compile(r"增长|增速|增幅|涨|下降|降|提高|提升|回落|上升|增加|减少|压减|压缩")
_SHARE = re.compile(r"占比|比重|占.{0,12}(?:多少|几|比)|比例|覆盖率|率(?:是|为|达|要|目标|提|有)?(?:多少|百分|几)|率$")
_NAMES = re.compile(r"分别|都是|名单|哪些|哪几|哪[二两三四五六七八九十\d]|具体|叫什么")
FULL_COVER = 0.85
SUBJECT_CHARS = 30


def must_refuse(question: Question, ranked: Sequence[Evidence], profile: Profile) -> bool:
    """Whether what the question insists on is certainly not in the evidence: its year, its place, its unit."""
    best = ranked[0]
    passage = best.passage
    if passage.is_header:
        return asks_for_somebody(question)
    if question.places and best.feature("place_missing"):
        return True
    if question.form in (Form.WHERE, Form.WHEN) and not form_met(question, best, profile):
        return True
    if question.form is Form.AMOUNT and (not passage.figures or unit_clashes(question, passage)):
        return True
    if question.form is Form.AMOUNT and names_unknown_abbreviation(question, profile):
        return True
    if relation_differs(question, passage) or (question.form is Form.AMOUNT and names_another(question, best, profile)):
        return True
    if (
        question.form is Form.LIST
        and passage.figures
        and not form_met(question, best, profile)
        and _NAMES.search(question.folded)
    ):
        return True
    if not question.years:
        return False
    if (
        question.form is not Form.YESNO
        and passage.is_clause
        and passage.figures
        and question.insists_on_kind
        and len(question.years) < 2
        and question.kind not in (None, passage.kind)
    ):
        return True
    if any(str(year) in passage.context for year in question.years):
        return False
    return passage.year not in (None, *question.years) or not any(year in profile.years for year in question.years)


def covers(question: Question, best: Evidence, profile: Profile) -> bool:
    """Whether passage and surroundings hold nearly all words of the question and the form of answer that it wants.

    A question of one word must have it in the passage itself. On the training questions this let hardly an unanswerable
    one through that the probability alone would have refused.
    """
    if len(question.terms) == 1:
        return best.own[0] == 1 and len(question.terms[0].text) >= 2 and form_met(question, best, profile)
    full = min(best.feature("cover_wide"), near_cover(term_weights(question.terms, profile), best)) >= FULL_COVER
    return full and form_met(question, best, profile)


def form_met(question: Question, evidence: Evidence, profile: Profile) -> bool:
    """Whether a passage can give the form of answer asked for: a figure, a date, a reason, an enumeration."""
    passage = evidence.passage
    if passage.is_header:
        return True
    if question.form is Form.AMOUNT:
        return bool(passage.figures) and not unit_clashes(question, passage)
    if question.form is Form.WHEN:
        return bool(_DATED.search(passage.text))
    if question.form is Form.WHY:
        return bool(_REASON.search(passage.context))
    if question.form is Form.WHO:
        asks_names = re.search(r"叫什么|名字", question.folded) and passage.figures
        person = _PERSON_ASKED.search(question.folded)
        return (person is None or person.group() in passage.text) and not (
            asks_names and not is_enumeration(passage.text) and "“" not in passage.text
        )
    if question.form is Form.WHERE:
        words = fold(passage.text)
        located = [pair.word for pair in jieba.posseg.lcut(words) if pair.flag == "ns"]
        return any(
            place not in question.folded and not place.startswith(("全", "各"))
            for place in (*_PLACE_WORD.findall(words), *located, *place_stem_pattern().findall(words))
        )
    if question.form is Form.LIST:
        named = question.quoted and is_enumeration(passage.context)
        return (
            passage.field != ""
            or is_enumeration(passage.text)
            or bool(named)
            or passage.sentence_start in profile.announcing
        )
    return True


def unit_clashes(question: Question, passage: Passage) -> bool:
    """Whether the passage has no figure of the kind that a question asks for.

    That is a measure (亿元, 亩, 公里, a rate, a sum) where its figures are of other kinds, or a number of things (几起,
    多少家) where it has rates only.

    On 225 development questions of this kind the right passage never clashed but once.
    """
    wanted = unit_class(question.unit)
    if not question.unit and (question.unit_class == "percent" or _asks_sum(question)):
        wanted = question.unit_class
    classes = {unit_class(figure.unit) for figure in passage.figures}
    if wanted in MEASURES:
        return wanted not in classes
    return bool(question.unit) and classes == {"percent"}


def _asks_sum(question: Question) -> bool:
    """Whether a sum is asked for, not counting the sums in names of rates (固定资产投资)."""
    return bool(_SUM_ASKED.search(question_words().rates.sub("〓", question.folded)))


def relation_differs(question: Question, passage: Passage) -> bool:
    """Whether a rate of growth stands where a share is asked for, or a share where growth is asked for."""
    if question.unit_class != "percent" or not passage.figures or not passage.is_clause:
        return False
    asks_share = bool(_SHARE.search(question.folded)) and not _GROWTH.search(question.folded)
    asks_growth = bool(re.search(r"增长|增速|增幅|涨|下降", question.folded)) and not _SHARE.search(question.folded)
    says_growth = bool(_GROWTH.search(passage.text))
    says_share = bool(re.search(r"占|比重|比例|率|达", passage.text))
    return (asks_share and says_growth and not says_share) or (asks_growth and not says_growth)


def names_another(question: Question, best: Evidence, profile: Profile) -> bool:
    """Whether the question names something of the document word for word and the passage holds no word of it.

    On the training questions this never refused a right answer for a figure, and caught 10 wrong ones.
    """
    name = longest_name(question, profile)
    inside = [
        share
        for term, share in zip(question.terms, best.near, strict=True)
        if name and len(term.text) >= 2 and (term.text in name or name in term.text)
    ]
    return bool(inside) and sum(inside) / len(inside) < 0.5


def names_unknown_abbreviation(question: Question, profile: Profile) -> bool:
    """Whether the question names something in letters (CPI, PM10) that the document has under none of its names."""
    return any(
        term.text.isascii()
        and len(term.text) >= 2
        and any(c.isalpha() for c in term.text)
        and not any(word in profile.text for word in term.alternatives)
        for term in question.terms
    )


def missing_text(question: Question, ranked: Sequence[Evidence], document: Document, profile: Profile) -> str:
    """One sentence that says what the document does not say: this year, this place, this detail or this indicator."""
    asked = re.sub(r"[？?。！!]+$", "", tidy(question.text))
    subject = topic_of(asked).rstrip("占是为有了在要的") if question.terms else ""
    subject = subject if len(subject) <= SUBJECT_CHARS else subject[:SUBJECT_CHARS] + "……"
    name = f"《{document.title}》" if document.title else "文件"
    if question.places:
        return f"文件未提及{'、'.join(question.places)}的相关情况，{name}只涉及{document.place or '本地'}。"
    absent = [year for year in question.years if year not in profile.years]
    if absent:
        return f"文件未提及{'、'.join(f'{y}年' for y in absent)}的{subject or '情况'}。"
    if ranked and question.years and ranked[0].passage.year not in (None, *question.years):
        return f"文件未提及{question.years[0]}年的{subject}。"
    if ranked and ranked[0].feature("cover_wide") >= 0.6 and not form_met(question, ranked[0], profile):
        detail = {
            Form.AMOUNT: "具体数值", Form.WHEN: "具体时间", Form.WHY: "原因", Form.WHO: "具体名称", Form.WHERE: "具体地点", Form.LIST: "具体名单",
        }.get(question.form, "具体内容")  # fmt: skip
        return f"文件提到了相关内容，但未提及“{subject}”的{detail}。"
    if subject and fold(subject) in profile.text and (detail := asked.partition(subject)[2].strip("，,的 ")):
        return f"文件提到了“{subject}”，但未提及“{detail}”。"
    return f"文件未提及“{subject}”。" if subject else "文件未提及这一内容，请换一种问法，写明想了解的指标或项目。"


def declined_text(document: Document) -> str:
    """What is said to a question that is none about the document."""
    name = f"《{document.title}》" if document.title else "这份文件"
    return f"我只回答{name}写明的内容，这个问题不在其中。可以问其中的指标、项目、目标和完成情况。"
