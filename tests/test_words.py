"""Words that have one meaning in the whole project."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("book", "snnsg_lib", "snnsg_book", "tests", "benchmarks")
KINDS = (".py", ".ipynb", ".md", ".js", ".css", ".toml", ".yml", ".cff", ".bib")
EXCUSED = ("tests/test_words.py",)

# What a document does and has, and a number that random draws start from does not.
VERBS = "says|reports|proposes|writes|draws|takes|took|ends|compares|speaks|found|goes|uses|has|had|saw|also|is right"
DOCUMENT = re.compile(
    r"(?-i:\b(?:First|Second) seed\b)|(?<!with )\bthe (?:first|second) seed\b|\bthe seed's|\bthe two seeds"
    r"|claims?[ _]of[ _]the[ _]seeds|\bseeds' claims|\bof the seed\b|\b(?:as in|like|come from|than) the seed\b"
    rf"|\bthe seed (?:{VERBS})\b",
    re.IGNORECASE,
)


def sources():
    paths = [*ROOT.glob("*"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))]
    return sorted(path for path in paths if path.suffix in KINDS and path.relative_to(ROOT).as_posix() not in EXCUSED)


@pytest.mark.parametrize("text", ["Figure 1 of the seed", "First seed, Figure 1", "The seed says", "the seed's runs"])
def test_documents_called_seeds_are_found(text):
    assert DOCUMENT.search(text)


@pytest.mark.parametrize("text", ["depends on the seed alone", "a seed's endless supply", "two seeds if quick"])
def test_random_seeds_are_none_of_them(text):
    assert not DOCUMENT.search(text)


def test_a_seed_is_a_random_seed_and_the_documents_are_the_paper_and_the_talk():
    found = []
    for path in sources():
        lines = enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        found += [f"{path.name}:{number}: {line.strip()[:100]}" for number, line in lines if DOCUMENT.search(line)]
    assert found == []
