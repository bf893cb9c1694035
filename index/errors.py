"""Errors of the index.

::

    IndexStoreError
    ├── UnusableIndex        what building anew cures; ``reason`` says what is wrong
    │   ├── IndexNotBuilt    there is no index in the directory
    │   └── IndexStale       it was built from other documents, another model or other settings, or is damaged
    └── IndexBusy            another process is building
"""

from __future__ import annotations

from pathlib import Path

from corpus.errors import IndexStoreError


class UnusableIndex(IndexStoreError):
    """The directory holds no index that may be served.

    Args:
        directory: The index's directory.
        reason: What is wrong, as a phrase.
    """

    def __init__(self, directory: Path, reason: str) -> None:
        super().__init__(f"目录 {directory} 中的索引不能使用：{reason}，请运行 laiwu-plan index。")
        self.reason = reason


class IndexNotBuilt(UnusableIndex):
    """There is no index in the directory."""


class IndexStale(UnusableIndex):
    """The index does not belong to these documents, this model and these settings, or is damaged."""


class IndexBusy(IndexStoreError):
    """Another process is building the index and did not end in time."""
