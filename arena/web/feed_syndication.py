"""Changes for feed readers: Atom (RFC 4287) and JSON Feed 1.1."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

from arena.settings import Settings
from arena.web.plots.svg import writable

ATOM = "application/atom+xml"
JSON_FEED = "application/feed+json"
NAMESPACE = "http://www.w3.org/2005/Atom"
TITLE_SENTENCES = 2


@dataclass(frozen=True, kw_only=True)
class Site:
    """Whose changes these are, and where it is reached."""

    title: str
    url: str  # without the slash at the end
    license: str


@dataclass(frozen=True, kw_only=True)
class Item:
    """The changes of one day, or a release that was published."""

    date: date  # of its id, which stays
    published: datetime
    updated: datetime
    sentences: tuple[str, ...]
    kind: str = "changes"
    path: str | None = None  # instead of the changes of the day

    @property
    def media_type(self) -> str:
        """Of what its address leads to."""
        return "text/html" if self.path else "application/json"

    @property
    def title(self) -> str:
        """The day and how it begins."""
        more = len(self.sentences) - TITLE_SENTENCES
        said = " ".join(self.sentences[:TITLE_SENTENCES]) + (f" And {more} more." if more > 0 else "")
        return f"{self.published.date().isoformat()} · {said}"

    @property
    def html(self) -> str:
        """A list, safe to show."""
        return f"<ul>{''.join(f'<li>{html.escape(each)}</li>' for each in self.sentences)}</ul>"


def site_of(settings: Settings, asked: str) -> Site:
    """The public address where it is known; else the one that was asked, if it is one at all."""
    url = settings.public_url or asked
    if not re.fullmatch(r"https?://[\w.:\[\]-]+/?.*", url, flags=re.ASCII):
        url = "http://localhost"
    return Site(title=settings.title, url=url.rstrip("/"), license=settings.data_license)


def atom(site: Site, items: Sequence[Item], updated: datetime) -> bytes:
    """The Atom document."""
    feed = ElementTree.Element("feed", xmlns=NAMESPACE)
    _add(feed, "id", f"{site.url}/feed/v1/atom.xml")
    _add(feed, "title", f"{site.title}: what changed")
    _add(feed, "updated", _instant(updated))
    ElementTree.SubElement(feed, "link", rel="self", type=ATOM, href=f"{site.url}/feed/v1/atom.xml")
    ElementTree.SubElement(feed, "link", rel="alternate", type="text/html", href=f"{site.url}/leaderboard")
    _add(ElementTree.SubElement(feed, "author"), "name", site.title)
    _add(feed, "rights", site.license)
    for item in items:
        entry = ElementTree.SubElement(feed, "entry")
        _add(entry, "id", _id(site, item))
        _add(entry, "title", item.title)
        _add(entry, "updated", _instant(item.updated))
        ElementTree.SubElement(
            entry, "link", rel="alternate", type=item.media_type, href=_address(site, item)
        )
        _add(entry, "content", item.html, type="html")
    document: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return document


def json_feed(site: Site, items: Sequence[Item]) -> dict[str, Any]:
    """The JSON Feed document."""
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "title": f"{site.title}: what changed",
        "home_page_url": f"{site.url}/leaderboard",
        "feed_url": f"{site.url}/feed/v1/feed.json",
        "language": "en",
        "authors": [{"name": site.title, "url": f"{site.url}/about"}],
        "items": [
            {
                "id": _id(site, item),
                "url": _address(site, item),
                "title": item.title,
                "content_html": item.html,
                "content_text": "\n".join(item.sentences),
                "date_published": item.published,
                "date_modified": item.updated,
            }
            for item in items
        ],
    }


def _add(parent: ElementTree.Element, name: str, text: str, **attributes: str) -> None:
    ElementTree.SubElement(parent, name, attributes).text = writable(text)


def _id(site: Site, item: Item) -> str:
    """A tag URI (RFC 4151): the same for ever, wherever the arena moves its pages."""
    return f"tag:{urlsplit(site.url).hostname},{item.date.isoformat()}:{item.kind}"


def _address(site: Site, item: Item) -> str:
    day = item.date.isoformat()
    return site.url + (item.path or f"/feed/v1/changes.json?from={day}&to={day}")


def _instant(instant: datetime) -> str:
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
