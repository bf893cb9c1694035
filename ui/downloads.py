"""Files that a visitor may fetch: kept in memory for a while, made when they are fetched, never written to disk."""

from __future__ import annotations

import datetime
import logging
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import quote

from fastapi.responses import PlainTextResponse, Response

from corpus.errors import RequestError

log = logging.getLogger(__name__)

PATH = "download"
EXPIRED = "下载链接已失效，请回到页面重新生成。"
FAILED = "文件暂时无法生成，请稍后再试。"
MEDIA_TYPES = {
    "md": "text/markdown; charset=utf-8",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "json": "application/json",
}
# Characters that one of the usual systems does not allow in a file name.
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*\ud800-\udfff]')
_ENDING = re.compile(r"\.(?:txt|docx)$", re.I)
MAX_NAME_CHARS = 60


@dataclass(frozen=True, slots=True)
class _Offer:
    name: str
    make: Callable[[], bytes]
    offered_at: float


class Downloads:
    """Files on offer, each under an address that cannot be guessed; safe to use from several threads.

    Args:
        max_offers: Files on offer at a time; the oldest go first.
        max_age_s: Seconds that a file stays on offer.
        clock: Seconds, counted from anywhere.
    """

    def __init__(
        self, max_offers: int = 512, max_age_s: float = 3600.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_offers = max_offers
        self._max_age_s = max_age_s
        self._clock = clock
        self._lock = threading.Lock()
        self._offers: OrderedDict[str, _Offer] = OrderedDict()

    def offer(self, name: str, make: Callable[[], bytes]) -> str:
        """Offer a file and give its address, relative to the page.

        Args:
            name: Name of the file, its ending among :data:`MEDIA_TYPES`.
            make: Makes the content; called each time the file is fetched.
        """
        token = secrets.token_urlsafe(18)
        with self._lock:
            self._drop_old()
            self._offers[token] = _Offer(name, make, self._clock())
            while len(self._offers) > self._max_offers:
                self._offers.popitem(last=False)
        return f"{PATH}/{token}"

    def withdraw(self, addresses: Iterable[str]) -> None:
        """Take files off offer; addresses that are not, are passed over."""
        with self._lock:
            for address in addresses:
                self._offers.pop(address.rpartition("/")[2], None)

    def _drop_old(self) -> None:
        oldest_allowed = self._clock() - self._max_age_s
        while self._offers and next(iter(self._offers.values())).offered_at < oldest_allowed:
            self._offers.popitem(last=False)

    def respond(self, token: str) -> Response:
        """The file as an attachment, or one sentence where it is no longer on offer or cannot be made."""
        with self._lock:
            self._drop_old()
            offer = self._offers.get(token)
        if offer is None:
            return PlainTextResponse(EXPIRED, status_code=404)
        try:
            content = offer.make()
        except RequestError as error:
            return PlainTextResponse(str(error), status_code=422)
        except Exception:
            log.exception("a file could not be made")
            return PlainTextResponse(FAILED, status_code=500)
        headers = {
            "content-disposition": f"attachment; filename*=UTF-8''{quote(offer.name, safe='')}",
            "cache-control": "no-store",
        }
        return Response(content, media_type=MEDIA_TYPES[offer.name.rpartition(".")[2]], headers=headers)


def file_name(words: str, of: str, ending: str, day: datetime.date | None = None) -> str:
    """``words_of_day.ending``, without characters that a file name may not have; today if not told.

    >>> file_name("核对报告", "讲话稿?.docx", "md", datetime.date(2024, 8, 15))
    '核对报告_讲话稿_2024-08-15.md'
    """
    of = _FORBIDDEN.sub("", _ENDING.sub("", of.rpartition("/")[2])).strip(" .")[:MAX_NAME_CHARS]
    pieces = [words, of, (day or datetime.date.today()).isoformat()]
    return "_".join(piece for piece in pieces if piece) + f".{ending}"
