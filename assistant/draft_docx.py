"""The text of a Word file (.docx), a line to a paragraph and to a table row.

Only the list of relations and the main part are unpacked: headers, footers, footnotes, comments and pictures lie in
other parts. Elements are told by their names without namespace, so that both forms of the standard are read.
"""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from corpus.errors import RequestError

# Most bytes that one part may have unpacked: a draft of the greatest length with a run of its own for every character.
MAX_PART_BYTES = 60_000_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_RELATIONS = "_rels/.rels"
# What the library raises where a zip is none, is cut off, or is written in a way it does not know.
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, NotImplementedError, ValueError, EOFError, OSError)
_OFFICE = {"workbook": "Excel 表格", "presentation": "演示文稿"}
_ADVICE = "请用 Word 或 WPS 打开后另存为 .docx，再来核对"
# Text taken out by a tracked change, what stands in for a text box in old versions, pronunciation over a word.
_LEFT_OUT = {"del", "moveFrom", "Fallback", "pPr", "rPr", "rt", "instrText", "txbxContent"}
_CHARACTERS = {"tab": "\t", "ptab": "\t", "cr": "\n", "noBreakHyphen": "-"}


def docx_text(data: bytes, name: str) -> str:
    r"""The text of a Word file, as it reads with all tracked changes accepted.

    Args:
        data: The bytes of the file.
        name: What to call the file in an error.

    Returns:
        One line for each paragraph (more where it has line breaks of its own) and for each table row, whose cells are
        parted by ``\t``; text boxes follow their paragraph. Numbers that Word puts in front by itself are not in it.

    Raises:
        RequestError: The file is no Word file, is encrypted, damaged, or unpacks to too much.
    """
    if data.startswith(_OLE):
        raise RequestError(
            f"文件 {name} 是加密的 .docx 或旧版 .doc，无法读取，请在 Word 中取消密码，另存为不加密的 .docx 再核对。"
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            root = _main_part(archive, name)
    except _DAMAGED:
        raise RequestError(f"文件 {name} 不是有效的 .docx（内容不是 Word 文档，或已损坏），{_ADVICE}。") from None
    body = next((child for child in root if _tag(child) == "body"), None)
    return "" if body is None else "\n".join(_lines(body))


def _main_part(archive: zipfile.ZipFile, name: str) -> Any:
    """The root element of the main part; of a Word file it is ``document``."""
    if _RELATIONS not in archive.namelist():
        raise RequestError(f"文件 {name} 是压缩包，不是 Word 文档，请给出 .docx 文件。")
    relations = _parsed(_unpacked(archive, _RELATIONS, name), name)
    targets = [r.get("Target", "") for r in relations if r.get("Type", "").endswith("/officeDocument")]
    part = str(PurePosixPath("/", targets[0]))[1:] if targets else ""
    if part not in archive.namelist():
        raise RequestError(f"文件 {name} 里没有正文，不是完整的 Word 文档，{_ADVICE}。")
    root = _parsed(_unpacked(archive, part, name), name)
    if _tag(root) != "document":
        found = _OFFICE.get(_tag(root), "别种文件")
        raise RequestError(f"文件 {name} 的内容是{found}，不是 Word 文档，请给出 .docx 文件。")
    return root


def _unpacked(archive: zipfile.ZipFile, part: str, name: str) -> bytes:
    """The bytes of one part; its size is looked at first, and no more than that size is ever unpacked."""
    info = archive.getinfo(part)
    if info.file_size > MAX_PART_BYTES:
        raise RequestError(
            f"文件 {name} 解压后有 {info.file_size:,} 字节，超过上限 {MAX_PART_BYTES:,} 字节，请拆成几份再核对。"
        )
    if info.flag_bits & 1:
        raise RequestError(f"文件 {name} 是加密的压缩包，无法读取，请另存为不加密的 .docx 再核对。")
    try:
        return archive.read(info)
    except _DAMAGED:
        raise RequestError(f"文件 {name} 已损坏，无法解压，{_ADVICE}。") from None


def _parsed(data: bytes, name: str) -> Any:
    """The root element of a part. Entities are neither expanded nor fetched; no Word program declares any."""
    from docx.oxml.parser import parse_xml

    try:
        root: Any = parse_xml(data)
    except (SyntaxError, ValueError):
        raise RequestError(f"文件 {name} 的内容已损坏，无法解析，{_ADVICE}。") from None
    if root.getroottree().docinfo.doctype:
        raise RequestError(f"文件 {name} 含有 Word 文档不应有的 DTD 声明，为安全起见不予读取，{_ADVICE}。")
    return root


def _tag(element: Any) -> str:
    """Name of an element without its namespace; empty for a comment or processing instruction."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _lines(container: Any) -> Iterator[str]:
    """The lines of the paragraphs and tables in an element, those of text boxes after their paragraph."""
    for child in container:
        tag = _tag(child)
        if tag == "p":
            yield "".join(_words(child))
            yield from _boxes(child)
        elif tag == "tr":
            if not any(
                _tag(mark) == "del" for properties in child if _tag(properties) == "trPr" for mark in properties
            ):
                yield "\t".join(" ".join(line for line in _lines(cell) if line) for cell in _cells(child))
        elif tag not in _LEFT_OUT:
            yield from _lines(child)


def _cells(row: Any) -> Iterator[Any]:
    for child in row:
        if _tag(child) == "tc":
            yield child
        elif _tag(child) in ("sdt", "sdtContent", "customXml"):
            yield from _cells(child)


def _words(element: Any) -> Iterator[str]:
    """The characters of a paragraph, without its text boxes."""
    for child in element:
        tag = _tag(child)
        if tag == "t":
            yield child.text or ""
        elif tag in _CHARACTERS:
            yield _CHARACTERS[tag]
        elif tag == "br":
            is_line = not any(key.endswith("}type") and value != "textWrapping" for key, value in child.attrib.items())
            yield "\n" if is_line else ""
        elif tag not in _LEFT_OUT:
            yield from _words(child)


def _boxes(element: Any) -> Iterator[str]:
    """The lines of the text boxes in a paragraph; a box that is given in two forms is read once."""
    for child in element:
        if _tag(child) == "txbxContent":
            yield from _lines(child)
        elif _tag(child) not in _LEFT_OUT:
            yield from _boxes(child)
