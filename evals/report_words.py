"""Count how many government reports use each word: a word that such documents use literally is missed if it is absent.

Usage: ``python -m evals.report_words --reports REPORTS.jsonl.gz --out assistant/weights/report_words.tsv``
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import jieba

FIRST_YEAR = 2014  # older reports speak of other things
MIN_SHARE = 0.01  # words in fewer reports than this are left out


def main(arguments: Sequence[str] | None = None) -> int:
    """Write one line a word: the word, a tab, the percentage of reports that use it."""
    parser = argparse.ArgumentParser(prog="python -m evals.report_words")
    parser.add_argument("--reports", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    counts: Counter[str] = Counter()
    total = 0
    with gzip.open(options.reports, "rt", encoding="utf-8") as lines:
        for line in lines:
            report = json.loads(line)
            if not report["year"][:4].isdigit() or int(report["year"][:4]) < FIRST_YEAR:
                continue
            total += 1
            words = {
                word
                for run in re.findall(r"[\u4e00-\u9fff]{2,}", report["text"])
                for word in jieba.cut(run)
                if len(word) > 1
            }
            counts.update(words)
    kept = sorted((word, count) for word, count in counts.items() if count >= MIN_SHARE * total)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text("".join(f"{word}\t{100 * count / total:.0f}\n" for word, count in kept), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
