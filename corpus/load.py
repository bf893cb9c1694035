"""Read a published document and its head."""

from __future__ import annotations

import codecs
import hashlib
import re
from contextlib import suppress
from pathlib import Path

from corpus.errors import CorpusError
from corpus.types import Document, HeaderField

MAX_DOCUMENT_BYTES = 20_000_000
_DATE = r"\d{4}年\d{1,2}月\d{1,2}日"
_DOCUMENT_NUMBER = re.compile(
    r"^[ \t　]*([^\s，。；：]{1,12}[〔\[［(（﹝]\d{4}[〕\]］)）﹞]\s*第?\d+号)[ \t　]*$", re.M
)
_DATE_LINE = re.compile(rf"^[ \t　]*[(（]?({_DATE})[)）]?[ \t　]*$", re.M)
_DATE_ANYWHERE = re.compile(rf"({_DATE})")
_CONTACT = re.compile(r"(联系人|联系电话|电话|传真|邮箱)[:：]\s*([^\s，,；;、。)）]+)")
_ISSUER = re.compile(r"^[ \t　]*([^\s，。；：“”]{2,30}?(?:人民政府|委员会|办公厅|办公室|局))[ \t　]*$", re.M)
_ADDRESSEES = re.compile(r"^([^\n。]{4,200})[:：][ \t　]*$", re.M)
_MEETING = re.compile(
    r"(?:已经|已由|经)(?!济)([^，。；\s《》]{2,20}第[一二三四五六七八九十]+(?:次|届)[^，。；\s]{0,14}?会议)(?:审议|批准|表决)?通过"
)
_NOTICE = re.compile(r"^[ \t　]*(关于[^。：:]{4,120}?的(?:通知|意见|决定|批复|函|公告|通告|报告))[ \t　]*$", re.M)
_PUBLICITY = re.compile(r"[(（](此件[^)）\n]{2,12})[)）]")
_SPEAKER = re.compile(
    r"^[ \t　—]*(?P<post>[^\s，。；：]{0,20}(?:市长|省长|区长|县长|主席|总理|主任))[ \t　]+(?P<name>[一-鿿](?:[ \t　]?[一-鿿]){1,3})"
    r"[ \t　]*$",
    re.M,
)
_QUOTED_TITLE = re.compile(r"《([^》\n]{4,60}(?:计划|报告|规划|纲要|方案))》")
_PLACE = re.compile(r"([一-鿿]{2,8}?(?:自治区|自治州|自治县|特别行政区|省|市|区|县|旗|州))")
_AUTHORITY = re.compile(r"([一-鿿]+)(?:人民政府|第[一-鿿]+届人民代表大会)")
_PART = re.compile(r"^[ \t　]*(?:[一二三四五六七八九十]+、|第[一二三四五六七八九十]+(?:部分|章|编))", re.M)


def decode(data: bytes, name: str) -> str:
    r"""Decode the bytes of a text file, line ends unified to ``\n`` as Python's ``open`` does.

    Args:
        data: The bytes of the file.
        name: What to call the file in an error.

    Raises:
        CorpusError: The bytes are empty, binary, or neither UTF-8, GB18030 nor UTF-16 text with its mark.
    """
    if not data.strip():
        raise CorpusError(f"文件 {name} 是空的（{len(data)} 字节），请给出一份有正文的 .txt 文件。")
    if len(data) > MAX_DOCUMENT_BYTES:
        raise CorpusError(
            f"文件 {name} 有 {len(data):,} 字节，超过上限 {MAX_DOCUMENT_BYTES:,} 字节，请拆分后再建索引。"
        )
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with suppress(UnicodeDecodeError):  # what Notepad calls Unicode
            data = data.decode("utf-16").encode("utf-8")
    if b"\x00" in data:
        raise CorpusError(f"文件 {name} 含有 NUL 字节，不是文本文件，请先转换为 UTF-8 的 .txt。")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        control = sum(1 for c in text if (ord(c) < 32 and c not in "\n\r\t\f") or c == "�")
        if control * 100 > len(text):
            break
        return text.replace("\r\n", "\n").replace("\r", "\n")
    raise CorpusError(f"文件 {name} 不是 UTF-8 或 GB18030 编码的文本，请另存为 UTF-8 的 .txt。")


def load_document(path: Path) -> Document:
    """Read one document from a ``.txt`` file.

    Args:
        path: The file; its stem becomes ``doc_id``.

    Returns:
        The document, text as published (only line ends unified), header fields located.

    Raises:
        CorpusError: The file is missing, unreadable, empty or no text.
    """
    try:
        data = path.read_bytes()
    except (FileNotFoundError, ValueError):
        raise CorpusError(f"找不到文件 {str(path)!r}，请检查路径。") from None
    except IsADirectoryError:
        raise CorpusError(f"{path} 是文件夹，不是文件，请给出一份 .txt 文件。") from None
    except OSError as error:
        raise CorpusError(f"无法读取文件 {path}（{error.strerror}），请检查权限。") from None
    text = decode(data, str(path))
    return parse_document(text, doc_id=path.stem, sha256=hashlib.sha256(data).hexdigest())


def parse_document(text: str, doc_id: str, sha256: str = "") -> Document:
    """Find title, place, year and header fields in a document's text."""
    first_part = _PART.search(text)
    head = text[: first_part.start() if first_part else min(len(text), 800)][:2000]
    title = _title(head)
    year = _plan_year(title, head, text)
    place = _place(title, head)
    return Document(
        doc_id=doc_id,
        title=title,
        text=text,
        sha256=sha256 or hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(),
        place=place,
        year=year,
        header=tuple(_header_fields(head)),
    )


def _title(head: str) -> str:
    quoted = _QUOTED_TITLE.search(head)
    if quoted:
        return quoted.group(1)
    for line in head.splitlines():
        if line.strip():
            return re.sub(r"[（(].*?[)）]", "", line).strip(" 　—*") or line.strip()
    return ""


def _plan_year(title: str, head: str, text: str) -> int | None:
    """The year planned for: the newest year that a part heading names, else the title's or the head's year."""
    headings = [line for line in text.splitlines() if _PART.match(line) and len(line) <= 60]
    years = [int(y) for line in headings for y in re.findall(r"(20\d{2}|19\d{2})年", line)]
    titled = [int(y) for y in re.findall(r"(20\d{2}|19\d{2})年", title)]
    if titled and not title.endswith("规划"):
        return titled[0]
    dated = [int(y) for y in re.findall(r"(20\d{2}|19\d{2})年", head)]
    if years:
        newest = max(years)
        return newest if not dated or newest - max(dated) <= 1 else max(dated)
    return max(dated) if dated else None


def _place(title: str, head: str) -> str:
    for source in (title, *(match.group(1) for match in _AUTHORITY.finditer(head))):
        match = _PLACE.match(re.sub(r"^(?:.*日在|.*关于|.*代表)", "", source))
        if match:
            return match.group(1)
    return ""


def _header_fields(head: str) -> list[HeaderField]:
    """The header fields in reading order; a field that the head does not carry is left out."""
    fields: list[HeaderField] = []

    def add(name: str, match: re.Match[str] | None, group: int | str = 1) -> None:
        if match:
            fields.append(HeaderField(name, match.group(group), match.start(group), match.end(group)))

    number = _DOCUMENT_NUMBER.search(head)
    add("文号", number)
    add("标题", _NOTICE.search(head) if number else None)
    issuers = list(_ISSUER.finditer(head))
    add("印发机关", issuers[-1] if issuers else None)
    add("主送机关", _ADDRESSEES.search(head) if number else None)
    dates = list(_DATE_LINE.finditer(head))
    add("印发日期", dates[-1] if dates else None)
    if not dates:
        add("日期", _DATE_ANYWHERE.search(head))
    for match in _CONTACT.finditer(head):
        name = "联系电话" if "电话" in match.group(1) else match.group(1)
        fields.append(HeaderField(name, match.group(2), match.start(2), match.end(2)))
    add("公开方式", _PUBLICITY.search(head))
    add("审议会议", _MEETING.search(head))
    speaker = _SPEAKER.search(head)
    if speaker:
        fields.append(HeaderField("报告人", speaker.group().strip(" 　—"), speaker.start("post"), speaker.end("name")))
    return sorted(fields, key=lambda field: field.start)
