"""Words that have one meaning in the whole project."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
KINDS = (".py", ".ipynb", ".md", ".js", ".css", ".toml", ".yml", ".cff", ".bib")
# Of surrogates.py the branch with the families has a new place; its one word is changed there.
EXCUSED = ("snnsg_lib/surrogates.py", "tests/test_words.py")

# What a document does and has, and a number that random draws start from does not.
VERBS = "says?|reports?|proposes|writes|draws|takes|took|ends|compares|speaks|found|calls|goes|uses|has|had|saw|also|is right"
DOCUMENT = re.compile(
    r"(?-i:\b(?:First|Second) seed\b)|(?<!with )\bthe (?:first|second) seed\b|\bthe seed's|\bthe two seeds"
    r"|\bclaims of the seeds|\bseeds' claims|\bof the seed\b|\b(?:as in|like|come from|than) the seed\b"
    rf"|\bthe seed (?:{VERBS})\b",
    re.IGNORECASE,
)


def tracked():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in listed.splitlines() if path.endswith(KINDS) and path not in EXCUSED]


@pytest.mark.parametrize(
    "text", ["Figure 1 of the seed", "First seed, Figure 1", "The seed says that", "the seed's runs"]
)
def test_documents_called_seeds_are_found(text):
    assert DOCUMENT.search(text)


@pytest.mark.parametrize("text", ["depends on the seed alone", "a seed's endless supply", "two seeds if quick"])
def test_random_seeds_are_none_of_them(text):
    assert not DOCUMENT.search(text)


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="the list of files comes from git")
def test_a_seed_is_a_random_seed_and_the_documents_are_the_paper_and_the_talk():
    found = []
    for path in tracked():
        lines = (ROOT / path).read_text(encoding="utf-8").splitlines()
        found += [
            f"{path}:{number}: {line.strip()[:100]}" for number, line in enumerate(lines, 1) if DOCUMENT.search(line)
        ]
    assert found == []
