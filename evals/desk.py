"""The staff desk in the report of an evaluation: what the mutation test and the gold ledger say of a document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from assistant.ledger import Ledger, build_ledger
from assistant.wording import WordingChecker
from corpus.figures import find_figures
from corpus.passages import passages
from corpus.types import Document
from evals.ledger_scores import GoldEntry, LedgerScores, read_gold, score_ledger
from evals.mutation_run import MutationReport, run_mutations, total

GOLD_FOLDER = Path(__file__).with_name("ledger")


@dataclass(frozen=True, slots=True)
class LedgerReport:
    """How complete the ledger of a document is: all its figures are placed or unplaced; ``scores`` against the gold.

    ``scores`` is ``None`` where nobody has written a gold ledger for the document.
    """

    figures: int
    placed: int
    unplaced: int
    scores: LedgerScores | None


@dataclass(frozen=True, slots=True)
class DeskReport:
    """What the report says of wording check and ledger, for one document."""

    title: str
    mutations: MutationReport
    ledger: LedgerReport

    def mutation_rows(self) -> list[tuple[str, str, int, int]]:
        """Group, kind, claims tried and claims judged rightly, the sum of each group last."""
        groups = (("改动", self.mutations.altered), ("无害的写法", self.mutations.harmless))
        return [(name, r.kind, r.tried, r.right) for name, results in groups for r in (*results, total(results))]


def examine_desk(
    documents: Mapping[str, Document], on_step: Callable[[int, int], None] | None = None
) -> list[DeskReport]:
    """Run the mutation test and score the ledger of each document; a few seconds each.

    Args:
        documents: By ``doc_id``.
        on_step: Called with the claims checked so far and in all.
    """
    reports = []
    for document in documents.values():
        found = tuple(passages(document))
        mutations = run_mutations(document, found, WordingChecker(document, found), on_step=on_step)
        reports.append(DeskReport(document.title, mutations, ledger_report(build_ledger(document, found))))
    return reports


def ledger_report(ledger: Ledger) -> LedgerReport:
    """The completeness of a ledger and its scores against the gold of its document, where there is one."""
    gold = gold_of(ledger.document)
    return LedgerReport(
        figures=len(find_figures(ledger.document.text)),
        placed=len(ledger.entries),
        unplaced=len(ledger.unplaced),
        scores=score_ledger(ledger, gold) if gold else None,
    )


def gold_of(document: Document, folder: Path = GOLD_FOLDER) -> list[GoldEntry] | None:
    """The gold ledger whose quotes all stand in a document where they say; ``None`` where there is none."""
    for path in sorted(folder.glob("*.jsonl")):
        gold = read_gold(path)
        if all(document.text[entry.start : entry.end] == entry.quote for entry in gold):
            return gold
    return None
