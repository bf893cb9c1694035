"""Files on offer: made when fetched, named in Chinese, gone after a while."""

from __future__ import annotations

import datetime
import doctest
from collections.abc import Callable

import pytest

import ui.downloads
from corpus.errors import RequestError
from ui.downloads import EXPIRED, FAILED, Downloads, file_name


def raising(error: Exception) -> Callable[[], bytes]:
    def make() -> bytes:
        raise error

    return make


def fetch(downloads: Downloads, address: str) -> tuple[int, str, dict[str, str]]:
    response = downloads.respond(address.rpartition("/")[2])
    return response.status_code, bytes(response.body).decode(), dict(response.headers)


def test_docstring_examples_hold() -> None:
    assert doctest.testmod(ui.downloads).failed == 0


def test_file_is_made_when_it_is_fetched() -> None:
    made = []
    downloads = Downloads()
    address = downloads.offer("台账.csv", lambda: made.append(1) or b"a,b")  # type: ignore[func-returns-value]
    assert made == []
    status, body, headers = fetch(downloads, address)
    assert (status, body, made) == (200, "a,b", [1])
    assert headers["content-disposition"] == "attachment; filename*=UTF-8''%E5%8F%B0%E8%B4%A6.csv"
    assert headers["content-type"].startswith("text/csv")
    assert headers["cache-control"] == "no-store"


def test_unknown_address_is_one_sentence() -> None:
    assert fetch(Downloads(), "download/none")[:2] == (404, EXPIRED)


def test_offer_ends_after_a_while() -> None:
    now = [0.0]
    downloads = Downloads(max_age_s=10, clock=lambda: now[0])
    address = downloads.offer("a.md", lambda: b"x")
    now[0] = 10.0
    assert fetch(downloads, address)[0] == 200
    now[0] = 10.1
    assert fetch(downloads, address)[0] == 404


def test_withdrawn_offer_is_gone() -> None:
    downloads = Downloads()
    address = downloads.offer("a.md", lambda: b"x")
    downloads.withdraw([address, "download/none"])
    assert fetch(downloads, address)[0] == 404


def test_oldest_offers_go_first() -> None:
    downloads = Downloads(max_offers=2)
    addresses = [downloads.offer("a.md", lambda: b"x") for _ in range(3)]
    assert [fetch(downloads, address)[0] for address in addresses] == [404, 200, 200]


def test_failure_is_one_sentence_without_details(caplog: pytest.LogCaptureFixture) -> None:
    downloads = Downloads()
    refused = downloads.offer("a.md", raising(RequestError("没有这份报告。")))
    broken = downloads.offer("a.md", raising(ValueError("秘密")))
    assert fetch(downloads, refused)[:2] == (422, "没有这份报告。")
    assert fetch(downloads, broken)[:2] == (500, FAILED)
    assert "秘密" in caplog.text


@pytest.mark.parametrize(
    ("of", "name"),
    [
        ("讲话稿.docx", "核对报告_讲话稿_2024-08-15.docx"),
        ("../../etc/passwd", "核对报告_passwd_2024-08-15.docx"),
        ("2024.5版", "核对报告_2024.5版_2024-08-15.docx"),
        ("", "核对报告_2024-08-15.docx"),
        ("a\r\nb:*?.txt", "核对报告_ab_2024-08-15.docx"),
        ("长" * 200, f"核对报告_{'长' * 60}_2024-08-15.docx"),
    ],
    ids=["file", "path", "point", "nothing", "forbidden characters", "long"],
)
def test_names_are_chinese_dated_and_allowed_everywhere(of: str, name: str) -> None:
    assert file_name("核对报告", of, "docx", datetime.date(2024, 8, 15)) == name
