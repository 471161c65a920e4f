"""The built pages need no other host and no kernel, and the build never shows stale output."""

import gzip
import re
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml

from snnsg_book.explorers.explorer import SHARED

ROOT = Path(__file__).resolve().parents[2]
LOADED = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src", "object": "data"}
LINK_KINDS = {"stylesheet", "icon", "preload", "modulepreload", "manifest"}
MAX_PAGE_BYTES = 900_000


class Page(HTMLParser):
    """Tags of a built page with their attributes."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.text = path.read_text(encoding="utf-8")
        self.tags = []
        self.feed(self.text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    def loads(self):
        """Addresses that a browser fetches to show the page."""
        for tag, attrs in self.tags:
            address = attrs.get(LOADED.get(tag, ""))
            if address and (tag != "link" or attrs.get("rel", "") in LINK_KINDS):
                yield address

    def local(self, address):
        return (self.path.parent / unquote(urlsplit(address).path)).resolve()


@pytest.fixture(scope="module")
def pages(built_book):
    return [Page(path) for path in sorted((built_book / "book").glob("*.html"))]


def toc_files():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    chapters = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    return [toc["root"], *chapters]


def test_every_chapter_has_its_page_and_index_leads_to_the_first(built_book):
    for name in toc_files():
        assert (built_book / f"{name}.html").stat().st_size > 2000
    assert "book/index.html" in (built_book / "index.html").read_text(encoding="utf-8")


def test_pages_load_nothing_from_another_host(pages):
    for page in pages:
        foreign = [a for a in page.loads() if urlsplit(a).scheme not in ("", "data") or a.startswith("//")]
        assert foreign == [], page.path.name


def test_styles_load_nothing_from_another_host(built_book):
    for path in (built_book / "_static").rglob("*.css"):
        style = path.read_text(encoding="utf-8")
        assert not re.search(r"url\(\s*['\"]?(https?:)?//", style), path.name
        assert not re.search(r"@import\s+(url\()?['\"]?https?:", style), path.name


def test_every_file_and_anchor_that_a_page_names_exists(pages):
    anchors = {page.path: {attrs["id"] for _, attrs in page.tags if attrs.get("id")} for page in pages}
    for page in pages:
        for address in [*page.loads(), *(attrs.get("href", "") for attrs in page.all("a"))]:
            parts = urlsplit(address or "")
            if parts.scheme or (not parts.path and not parts.fragment):
                continue
            target = page.local(address) if parts.path else page.path
            assert target.exists(), f"{page.path.name}: {address}"
            if parts.fragment and target in anchors:
                assert unquote(parts.fragment) in anchors[target], f"{page.path.name}: {address}"


def test_no_page_holds_a_widget_that_needs_a_kernel(pages):
    for page in pages:
        assert "application/vnd.jupyter.widget" not in page.text, page.path.name
        assert "thebe" not in page.text.lower(), page.path.name


def test_pages_load_the_explorers_and_the_maths_that_they_show_and_no_others(pages):
    for page in pages:
        scripts = [Path(urlsplit(attrs["src"]).path) for attrs in page.all("script") if attrs.get("src")]
        shown = {attrs["data-snnsg"] for attrs in page.all("figure") if attrs.get("data-snnsg")}
        loaded = [script.stem for script in scripts if script.parent.name == "explorers"]
        assert loaded == ([*SHARED, *sorted(shown), "host"] if shown else []), page.path.name
        maths = any("math" in (attrs.get("class") or "").split() for tag, attrs in page.tags if tag in ("span", "div"))
        assert maths == any(script.name == "mathjax.js" for script in scripts), page.path.name
        assert not any("fontawesome" in script.name for script in scripts)


def test_pages_say_their_language_and_what_they_are_about(pages):
    descriptions = []
    for page in pages:
        assert page.all("html")[0]["lang"] == "en"
        metas = [attrs["content"] for attrs in page.all("meta") if attrs.get("name") == "description"]
        assert len(metas) == 1, page.path.name
        descriptions += metas
    assert len(set(descriptions)) == len(descriptions)


def test_every_picture_has_words_in_place_of_it(pages):
    for page in pages:
        for attrs in page.all("img"):
            if "logo__image" in (attrs.get("class") or ""):
                continue
            assert (attrs.get("alt") or "").strip(), f"{page.path.name}: {attrs.get('src', '')[:80]}"
            assert "_images/" not in attrs["alt"], f"{page.path.name}: {attrs['alt']}"
        for _, attrs in page.tags:
            if attrs.get("role") == "img":
                label = attrs.get("aria-label") or attrs.get("aria-labelledby") or ""
                assert label.strip(), f"{page.path.name}: {attrs}"
                assert "_images/" not in label, f"{page.path.name}: {attrs}"


def test_a_page_weighs_less_than_900_kb_with_gzip(pages):
    for page in pages:
        files = {page.local(a) for a in page.loads() if not a.startswith("data:")} | {page.path}
        if any(path.name == "mathjax.js" for path in files):
            fonts = page.path.parent.parent / "_static" / "mathjax" / "output" / "chtml" / "fonts" / "woff-v2"
            files |= set(fonts.glob("*.woff"))
        weight = sum(len(gzip.compress(path.read_bytes())) for path in files)
        assert weight < MAX_PAGE_BYTES, f"{page.path.name}: {weight} bytes"
