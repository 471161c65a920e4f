"""What the chapters say in numbers, and what their tables say.

A chapter stays plain text. Beside it, `said/CHAPTER.py` holds two lists:

- `SAID`: phrases of the chapter that carry a measured number, each with a function that computes it from the tables;
- `SET`: phrases with numbers that nobody measured: settings, constants, counts of things shown.

Every number in the text, in captions and in descriptions of figures has to stand in a phrase of one of the two.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from snnsg_book.claims import CLAIMS, RegimeResult
from snnsg_book.results import load_results, rows_of

BOOK = Path(__file__).resolve().parents[2] / "book"

table = functools.cache(load_results)  # shared by all chapters: do not change it
WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")


class Passage(NamedTuple):
    """A paragraph, caption or description, in one line; `running` if it counts among the sentences of the chapter."""

    text: str
    running: bool


@dataclass(frozen=True)
class Said:
    """A phrase of a chapter, word for word, and how the tables give it.

    Parameters
    ----------
    phrase : str
        With `{}` in the place of each number; without, it is words such as "half of them".
    computed : function
        Returns what stands in the places, formatted as in the text: one string, or a tuple of them. For words it
        returns whether they are true.
    """

    phrase: str
    computed: Callable[[], str | tuple[str, ...] | bool]

    @property
    def pattern(self) -> re.Pattern:
        """Matches the phrase with whatever numbers."""
        return re.compile(r"\S+?(?: \[[^\]]*\])?".join(re.escape(part) for part in self.phrase.split("{}")))


@functools.cache
def by_the_tables(said: Said) -> str | None:
    """Return the phrase as the tables want it; None where words are no longer true."""
    value = said.computed()
    if "{}" not in said.phrase:
        if not isinstance(value, bool | np.bool_):
            raise TypeError(f"{said.phrase!r} has no {{}}: computed must return True or False, got {value!r}")
        return said.phrase if value else None
    return said.phrase.format(*((value,) if isinstance(value, str) else value))


_NOT_FOUND = "".join(rf"(?<!{word} )(?<!{word} \$)" for word in ("near", "about", "around"))  # "near k = 5" is

# Numbers that are nobody's measurement wherever they stand. Replaced by blanks, so that places in the text stay.
NOT_MEASURED = tuple(
    re.compile(pattern)
    for pattern in (
        r"\{[\w:]+\}`[^`]*`",  # roles: citations, links
        r"`[^`]*`",  # code
        r"\]\([^)]*\)|https?://\S+",  # addresses
        # Formulas. But exponents are measured, $\lambda_1 = -0.3$, and so is what follows from them, $e^{-14}$.
        rf"{_NOT_FOUND}\$(?!e\^|\\lambda_\d ?[=<>])[^$]*[A-Za-z\\][^$]*\$",
        rf"{_NOT_FOUND}\bk = [\d.]+(?:(?:, | and | or | to | or to )[\d.]+)*",  # values of the slope
        r"\b[Ss]lope [1-9][\d.]*",
        r"\b(?:Figures?|Fig\.|[Ll]ayers?|[Ee]quation|[Cc]hapters?|[Ss]ections?|[Ss]tep) \d+(?:(?:, | and | to )\d+)*",
        r"\b95 % (?:bootstrap )?(?:confidence )?intervals?",
        r"\b(?:19|20)\d\d\b",  # years
        r"\*\*Time\*\* \d+ minutes",
        r"^\d+\. ",  # of a list
    )
)

_DIGITS = r"(?<![A-Za-z_\d.,])\d+(?:[.,]\d+)*"
_WORD = (
    r"(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fifteen|sixteen|eighteen|twenty|thirty|"
    r"forty|fifty|sixty|seventy|eighty|ninety|hundreds?|thousands?|millions?)"
)
_UNIT = r"(?:times|fold|per cent|orders of|decades|degrees|nats|powers of)"
# In digits; and in words where they count or compare: "half", "two thirds", "five times", "nine conditions of eleven".
NUMBER = re.compile(
    rf"{_DIGITS}"
    r"|\bhal(?:f|ves)\b|\b(?:twice|thrice|tenfold|hundredfold|thousandfold|millionths)\b"
    r"|\b(?:a|one|two|three|four|nine) (?:third|quarter|fifth|tenth|hundredth|thousandth|millionth)s?\b"
    rf"|\bfactors? of (?:about )?{_WORD}\b"
    rf"|\b{_WORD}(?: hundred| thousand| million)?(?=(?:-| to \w+ | or \w+ | ){_UNIT})"
    rf"|\b{_WORD} (?:\w+ )?of (?:the )?{_WORD}\b",
    re.IGNORECASE,
)


def passages(chapter: str) -> list[Passage]:
    """Return all that a chapter says, in its order."""
    notebook, page = BOOK / f"{chapter}.ipynb", BOOK / f"{chapter}.md"
    if page.exists():
        return [
            Passage(text, True) for text in _paragraphs(re.sub(r"\A---\n.*?\n---\n", "", page.read_text(), flags=re.S))
        ]
    found = []
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "markdown":
            found += _in_cell("".join(cell["source"]))
        shown = cell["metadata"].get("mystnb", {})
        words = shown.get("figure", {}).get("caption"), shown.get("image", {}).get("alt")
        found += [Passage(_one_line(text), False) for text in words if text]
    return found


def _in_cell(source: str) -> Iterator[Passage]:
    margin = re.compile(r"^```\{margin\}.*?^```$", re.S | re.M)
    yield from (Passage(text, True) for text in _paragraphs(margin.sub("", source)))
    yield from (Passage(text, False) for note in margin.findall(source) for text in _paragraphs(note))


def _paragraphs(source: str) -> Iterator[str]:
    """Paragraphs, items of lists and rows of tables, without code, displayed formulas and the fences of directives."""
    source = re.sub(r"\$\$.*?\$\$(?: \([\w-]+\))?", "", source, flags=re.S)
    kept, in_code = [], False
    for line in source.splitlines():
        if line.startswith(("```", ":::")):
            in_code = not in_code and re.match(r"```(?:\w|\{(?:code|math))", line) is not None
            kept.append("")
        elif not in_code and not re.match(r":[\w-]+:|%", line):
            kept.append(f"\n{line}" if re.match(r"[-|#*]|\d+\. ", line) else line)
    yield from (_one_line(text) for text in re.split(r"\n\s*\n", "\n".join(kept)) if text.strip())


def _one_line(text: str) -> str:
    return " ".join(text.split())


def numbers(text: str) -> list[tuple[int, int]]:
    """Return the places of all numbers in a passage that somebody may have measured."""
    for pattern in NOT_MEASURED:
        text = pattern.sub(lambda found: " " * len(found.group()), text)
    return [found.span() for found in NUMBER.finditer(text)]


def sentence_at(text: str, place: int) -> str:
    """Return the sentence of a passage that holds a place."""
    start = max((found.end() for found in re.finditer(r"[.!?:]\*{0,2}\s", text[:place])), default=0)
    end = re.search(r"[.!?]\*{0,2}(\s|$)", text[place:])
    return text[start : place + end.end() if end else len(text)].strip()


def covered(text: str, phrases: list[str]) -> set[int]:
    """Return the places in a passage that stand in one of the phrases."""
    found = set()
    for phrase in phrases:
        for match in re.finditer(rf"(?<![\w.]){re.escape(phrase)}(?!\w|[.,]\d)", text):
            found |= set(range(*match.span()))
    return found


def held(chapter: str) -> tuple[tuple[Said, ...], tuple[str, ...]]:
    """Return `SAID` and `SET` of a chapter."""
    module = importlib.import_module(f"said.{chapter}")
    return module.SAID, module.SET


@functools.cache
def results(claim: str) -> dict[str, RegimeResult]:
    """Return what the tables say to a claim, by regime: `estimate`, `low`, `high`, `n`, `outcome`."""
    chosen = next(one for one in CLAIMS if one.id == claim)
    rows = rows_of({name: table(name) for name in (chosen.table, *chosen.beside)})
    return {found.regime: found for found in chosen.results(rows)}


def outcomes(claim: str) -> list[str]:
    """Return the outcome of a claim in each of its regimes."""
    return [found.outcome for found in results(claim).values()]


def interval(found: Any, digits: int = 2) -> str:
    """Return (estimate, low, high), or a result, as the text writes it: "0.85 [0.80, 0.91]"."""
    middle, low, high = (found.estimate, found.low, found.high) if isinstance(found, RegimeResult) else found
    return f"{middle:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
