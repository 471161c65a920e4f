"""A number in a sentence is held by the table that it comes from."""

import importlib
import re
import sys
import types

import pandas as pd
import pytest
import saying
from saying import BOOK, Said, by_the_tables, covered, held, interval, numbers, passages, sentence_at

import snnsg_book.claims

# Chapters whose numbers are not held yet. Only ever shorter.
NOT_YET = (
    "flossing",
    "index",
    "paying",
    "remedies",
    "schedules",
    "scorecard",
    "search",
    "spectrum",
)
NOTHING_MEASURED = ("api", "references", "cluster", "run", "notation")  # lists, commands, definitions
MOST = 60  # measured numbers in the sentences of a chapter; intervals and the like go to tables, captions and margins

CHAPTERS = sorted(
    path.stem for path in (*BOOK.glob("*.ipynb"), *BOOK.glob("*.md")) if path.stem not in (*NOT_YET, *NOTHING_MEASURED)
)


def nearest(said, chapter):
    """The sentences in which a phrase stands with other numbers."""
    return [
        sentence_at(passage.text, found.start())
        for passage in passages(chapter)
        for found in said.pattern.finditer(passage.text)
    ]


def stale(said, chapter):
    """What is wrong with a phrase, in words; None if the chapter and the tables agree."""
    right = by_the_tables(said)
    if right is None:
        return f"{chapter}: no longer true by the tables: {said.phrase!r}, in {nearest(said, chapter)}"
    if not any(right in passage.text for passage in passages(chapter)):
        return f"{chapter}: the tables say {right!r}, the chapter says {nearest(said, chapter) or 'nothing like it'}"
    return None


def not_held(chapter):
    """Sentences with a number that stands in no phrase."""
    said, settings = held(chapter)
    phrases = [*settings, *filter(None, (by_the_tables(one) for one in said))]
    for passage in passages(chapter):
        inside = covered(passage.text, phrases)
        for start, end in numbers(passage.text):
            if not inside.issuperset(range(start, end)):
                yield f"{passage.text[start:end]!r} in: {sentence_at(passage.text, start)}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_sentences_say_what_the_tables_say(chapter):
    wrong = [fault for said in held(chapter)[0] if (fault := stale(said, chapter))]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_number_in_a_sentence_is_held_or_a_setting(chapter):
    free = list(not_held(chapter))
    assert not free, f"{chapter}: add to SAID, or to SET if nobody measured it\n" + "\n".join(free)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_settings_stand_in_their_chapter(chapter):
    texts = [passage.text for passage in passages(chapter)]
    unused = [phrase for phrase in held(chapter)[1] if not any(covered(text, [phrase]) for text in texts)]
    assert not unused, f"{chapter}: SET names what the chapter does not say: {unused}"


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_sentences_of_a_chapter_hold_at_most_sixty_measured_numbers(chapter):
    phrases = [phrase for said in held(chapter)[0] if (phrase := by_the_tables(said))]
    running = [passage.text for passage in passages(chapter) if passage.running]
    count = sum(start in covered(text, phrases) for text in running for start, _ in numbers(text))
    assert count <= MOST


@pytest.fixture
def one_sentence(monkeypatch, tmp_path):
    """A chapter of one sentence."""

    def write(sentence, *said, settings=()):
        (tmp_path / "made_up.md").write_text(f"# A title\n\n{sentence}\n")
        module = types.SimpleNamespace(SAID=said, SET=settings)
        monkeypatch.setitem(sys.modules, "said.made_up", module)
        return "made_up"

    monkeypatch.setattr(saying, "BOOK", tmp_path)
    return write


def test_a_number_that_the_table_no_longer_gives_is_named_with_chapter_and_sentence(one_sentence):
    said = Said("{} times too long", lambda: "30")
    chapter = one_sentence("So it goes. At the end it is 29 times too long.", said)
    assert stale(said, chapter) == (
        "made_up: the tables say '30 times too long', the chapter says ['At the end it is 29 times too long.']"
    )
    assert stale(Said("{} times too long", lambda: "29"), chapter) is None


def test_words_that_are_no_longer_true_are_named_with_chapter_and_sentence(one_sentence):
    said = Said("more than half", lambda: False)
    chapter = one_sentence("Here more than half have arrived.", said)
    assert stale(said, chapter) == (
        "made_up: no longer true by the tables: 'more than half', in ['Here more than half have arrived.']"
    )


@pytest.mark.parametrize(
    "sentence",
    [
        "It is 29 times too long.",
        "It reaches 0.85 [0.80, 0.91].",
        "In 3 of 20 runs.",
        "Two thirds of them arrive.",
        "Half of them arrive.",
        "By four orders of magnitude.",
        "It is five times as long.",
        "In nine conditions of eleven.",
        "It loses a factor of twenty.",
        "The balance is near $k = 5$.",
        "Its exponent is $\\lambda_1=-0.3$, which leaves $e^{-14}$ of it.",
    ],
)
def test_a_new_number_without_an_entry_is_named_with_its_sentence(one_sentence, sentence):
    faults = list(not_held(one_sentence(sentence)))
    assert faults
    assert all(fault.endswith(f"in: {sentence}") for fault in faults)


@pytest.mark.parametrize(
    "sentence",
    [
        "See Figure 3 and layer 2 {cite}`somebody2019` of 2024.",
        "With $\\beta = 0.9$ and `slope=25`, at k = 1, 5 and 10, slope 100 in $1/(1+k|u|)^2$; claims T4 and S11.",
        "Bars are 95 % intervals.",
    ],
)
def test_constants_references_code_and_slopes_are_nobodys_measurement(one_sentence, sentence):
    assert not list(not_held(one_sentence(sentence)))


def test_an_entry_holds_its_own_place_alone(one_sentence):
    said = Said("{} at the end", lambda: "0.5")
    assert list(not_held(one_sentence("It is 0.5 at the end, 0.5 before.", said))) == [
        "'0.5' in: It is 0.5 at the end, 0.5 before."
    ]


def test_a_setting_does_not_hold_the_beginning_of_another_number(one_sentence):
    assert list(not_held(one_sentence("With area 1.5 all is well.", settings=("area 1",))))


def test_an_interval_is_found_again_when_its_table_changes(one_sentence):
    said = Said("a cosine of {}", lambda: interval((0.851, 0.8, 0.914)))
    assert stale(said, one_sentence("It has a cosine of 0.85 [0.80, 0.91].", said)) is None
    assert "the chapter says ['It has a cosine of 0.84" in stale(
        said, one_sentence("It has a cosine of 0.84 [0.80, 0.91].", said)
    )


def test_the_landing_page_counts_claims_of_the_documents_apart_from_our_own(monkeypatch):
    found = pd.DataFrame({"id": ["S1", "L1", "S2", "T1"], "verdict": ["reproduced", "open", "reproduced", "open"]})
    monkeypatch.setattr(snnsg_book.claims, "verdicts", lambda: found)
    monkeypatch.syspath_prepend(BOOK / "_ext")
    text = importlib.import_module("snnsg_directives").Scorecard.run(None)[0].astext()
    assert text.split("\n\n") == [
        "3 claims of the paper and the talk: 2 reproduced, 1 open. ",
        "1 claims of our own: 1 open. ",
    ]


def test_no_symbol_stands_twice_in_the_notation():
    page = (BOOK / "notation.md").read_text(encoding="utf-8").split("## Letters that have two meanings")[0]
    symbols = [symbol for row in re.findall(r"^\| (\$.*?) \|", page, re.M) for symbol in re.findall(r"\$.*?\$", row)]
    assert len(symbols) > 20
    assert len(symbols) == len(set(symbols))
