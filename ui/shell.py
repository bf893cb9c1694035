"""Make the HTML shell that Gradio serves a Chinese page of our own."""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape
from pathlib import Path

STATIC = Path(__file__).with_name("static")

_HTML_TAG = re.compile(r"<html\b[^>]*?\blang=\"[^\"]*\"", re.S)
_FOREIGN_META = re.compile(r"\s*<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*?/?>", re.S)
_MANIFEST = re.compile(r"\s*<link rel=\"manifest\"[^>]*?/?>")


@lru_cache(maxsize=8)
def static_text(name: str) -> str:
    """The text of one file of ``ui/static``."""
    return (STATIC / name).read_text(encoding="utf-8")


def localised_shell(html: str, *, title: str, description: str) -> str:
    """Gradio's start page with our language, title, description and script.

    Gradio's own shell says ``lang="en"``, names pictures on other hosts in its preview tags and links a manifest that
    is not served. The script stands first in the head, because Gradio reads the browser's language while it starts.
    """
    html = _HTML_TAG.sub(lambda match: re.sub(r'lang="[^"]*"', 'lang="zh-CN"', match.group()), html, count=1)
    html = _MANIFEST.sub("", _FOREIGN_META.sub("", html))
    ours = (
        f"<title>{escape(title)}</title>\n"
        f'<meta name="description" content="{escape(description)}" />\n'
        '<link rel="icon" type="image/svg+xml" href="favicon.ico" />\n'
        f"<script>{static_text('page.js')}</script>\n"
    )
    html = html.replace('<meta charset="utf-8" />', '<meta charset="utf-8" />\n' + ours, 1)
    notice = "<noscript><p>本页面需要启用 JavaScript 才能提问。</p></noscript>"
    return html.replace("<gradio-app", notice + "<gradio-app", 1)
