"""Cleaning of text before native code reads it."""

from __future__ import annotations


def clean_text(text: str) -> str:
    r"""Text that native code can take: NUL becomes a blank, a lone surrogate U+FFFD; anything else stays as it is.

    The embedding engine reads C strings, which end at a NUL, and UTF-8 has no form for a lone surrogate.

    >>> clean_text("停车\x00位")
    '停车 位'
    """
    if "\x00" in text:
        text = text.replace("\x00", " ")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
