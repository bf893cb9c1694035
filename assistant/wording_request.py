"""What a question asks to be checked against the published words."""

from __future__ import annotations

import re

from assistant.normalise import tidy

_REQUEST = re.compile(
    r"核对|核实|校对|对一下原文|原话(?:是|就)?(?:这样|这么)|(?:与|和|跟)原文(?:是否)?(?:一致|相符|一样|对得上)|原文(?:里)?是(?:不是)?这(?:样|么)(?:写|说|表述)|(?:表述|说法|写法|引用|措辞|这句话?)(?:.{0,6})(?:是否)?(?:准确|正确|一致|无误|对不对|对吗|有误|有没有错)|是不是原(?:话|文|句)|原(?:话|句)(?:吗|么|是不是)"
)
_MORE_REQUESTS = (
    r"抄(?:写)?对(?:没有|了吗|吗)|写(?:得)?对(?:没有|了吗|吗)|(?:这么|这样|那么)写(?:.{0,4})(?:行不行|对吗|对不对|可以吗|行吗|没错吧)"
    r"|(?:跟|和|与)(?:文件|计划|报告|原件|印发稿|文件原文|计划原文|报告原文|原文)(?:是否)?(?:一致|一样|相符|对得上|吻合)"
    r"|有没有(?:写|抄|引|打)错|是不是(?:写|抄|引)错|请校对|校对一下|原文(?:里|中)?是不是(?:这样)?写"
)
_REQUEST = re.compile(f"{_REQUEST.pattern}|{_MORE_REQUESTS}")
_QUOTED = re.compile(r"[“\"「『](.{4,})[”\"」』]", re.S)
_AFTER_COLON = re.compile(r"[:：]\s*(.{4,})$", re.S)
_LEAD_IN = re.compile(
    r"^(?:请|麻烦|帮我?|帮忙|能否|可否)?(?:核对|核实|校对|查一下|看看)(?:一下)?(?:这句(?:话)?|下面这句(?:话)?|以下(?:表述|内容)|表述|原文)?[:：，, ]*"
)
_TRAIL = re.compile(
    r"[，,。；; ]*(?:这(?:个|句话?|种)?(?:表述|说法|话|写法)?)?(?:是|与|和|跟)?(?:不是)?(?:原文|原话|原句)?(?:里|中)?(?:是|就)?(?:这样|这么)?(?:写|说|表述)?(?:的)?(?:是否)?(?:一致|准确|正确|对|无误|相符)?(?:吗|么|不对|对不对|是否一致)?[？?。]*$"
)


def claim_in(question: str) -> str | None:
    """The words that a question asks to be checked; ``None`` where it is no wording question."""
    text = tidy(question)
    if not _REQUEST.search(text):
        return None
    after = _AFTER_COLON.search(text)
    if after and (
        _REQUEST.search(text[: after.start()])
        or re.search(r"(?:写的?|说的?|内容|稿子?|句子?)是?$", text[: after.start()])
    ):
        words = after.group(1).strip()
        inner = _QUOTED.search(words)
        if inner and re.search(r"写|说|是|原文", words[: inner.start()]) and inner.start() <= 10:
            return inner.group(1).strip()
        words = _without_requests(words)
        whole = _QUOTED.fullmatch(words.rstrip("。.？?"))
        return whole.group(1).strip() if whole and words.count("“") == words.count("”") else words
    quoted = _QUOTED.search(text)
    if quoted:
        return quoted.group(1).strip()
    bare = _without_requests(text)
    if bare != text and len(bare) >= 6:
        return bare
    rest = _TRAIL.sub("", _LEAD_IN.sub("", text))
    return rest.strip() if len(rest.strip()) >= 4 and rest.strip() != text else None


def _without_requests(text: str) -> str:
    """The sentences and trailing clauses of a text that do not themselves ask for a check."""
    parts = re.split(r"(?<=[。！？?；;])", text)
    kept = [part for part in parts if not _REQUEST.search(part)] or parts
    words = "".join(kept).strip()
    while True:
        head, mark, tail = words.rpartition("，")
        if not mark or not _REQUEST.search(tail):
            return words.strip("。？? ")
        words = head
