"""A page of the built site as its links, anchors and files."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

#: Attributes that make a browser load something, by element.
_LOADS = {
    **dict.fromkeys(
        ("img", "script", "iframe", "embed", "source", "audio", "video", "input", "track"), ("src", "srcset")
    ),
    "object": ("data",),
    "video": ("src", "poster"),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
}
_LOADING_LINKS = {
    "stylesheet",
    "icon",
    "preload",
    "prefetch",
    "preconnect",
    "dns-prefetch",
    "modulepreload",
    "manifest",
}
_CSS_URL = re.compile(r"""url\(\s*["']?([^"')]+)|@import\s+["']([^"']+)""")


@dataclass
class Page(HTMLParser):
    """What a page links to and loads; `links` and `loads` as written."""

    path: Path
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        self.ids.update(values[name] for name in ("id", "name") if values.get(name))
        if tag == "a" and "href" in values:
            self.links.append(values["href"])
        if tag == "img":
            self.images.append(values.get("src", ""))
        self.loads += [values[name].split()[0] for name in _LOADS.get(tag, ()) if values.get(name)]
        if tag == "link" and _LOADING_LINKS & set(values.get("rel", "").split()):
            self.loads.append(values.get("href", ""))
        self.loads += css_urls(values.get("style", ""))

    def target(self, link: str) -> tuple[Path, str]:
        """The file and the anchor of an internal link."""
        parts = urlsplit(link)
        name = unquote(parts.path)
        return (self.path if not name else (self.path.parent / name).resolve()), unquote(parts.fragment)


def css_urls(text: str) -> list[str]:
    """What a style sheet loads."""
    return [first or second for first, second in _CSS_URL.findall(text)]


def is_external(link: str) -> bool:
    """With a scheme or a host; data in the link itself is neither."""
    parts = urlsplit(link)
    return bool(parts.netloc) or parts.scheme not in ("", "data")
