"""A build runs the notebooks whose imports have changed, and no others; what the tests ran serves the book."""

import re

import pytest
from tiny_book import TinyBook


@pytest.fixture
def book(tmp_path):
    return TinyBook(tmp_path)


def test_a_changed_module_runs_again_the_notebooks_that_import_it_and_no_others(book):
    answer, question = book.build()
    assert "the answer is 41" in answer
    assert "the question is 6" in question
    assert book.runs() == [1, 1]

    for name in ("answer", "question"):
        (book.folder / "book" / f"{name}.ipynb").touch()
    book.write("tiny_lib/answer.py", "VALUE = 42\n")
    answer, question = book.build()
    assert "the answer is 42" in answer
    assert "the answer is 41" not in answer
    assert "the question is 6" in question
    assert book.runs() == [2, 1], "the page of the other is read again, its output comes from the cache"

    book.write("tiny_lib/answer.py", "VALUE = 41\n")
    assert "the answer is 41" in book.build()[0]
    assert book.runs() == [2, 1], "the library is as it was, and its output is still there"

    book.write("requirements.txt", "numpy==2.0.0\n")
    book.build()
    assert book.runs() == [3, 2]


def test_a_changed_style_or_extension_reaches_the_pages_and_runs_no_notebook(book):
    before, _ = book.build()
    book.write("assets/own.css", "body { color: blue }\n")
    book.write("tiny_lib/page.css", "body { color: blue }\n")
    after, _ = book.build()
    assert "blue" in (book.folder / "_build/html/_static/own/own.css").read_text()
    address = re.compile(r"own/own\.css\?v=\w+")
    assert address.search(before)[0] != address.search(after)[0]

    extension = book.folder / "book" / "_ext" / "snnsg_pages.py"
    change = (
        "app.connect('source-read', lambda app, page, source: source.append(source.pop().replace('Tiny', 'Small')))"
    )
    text = extension.read_text(encoding="utf-8")
    extension.write_text(text.replace("    return {", f"    {change}\n    return {{"), encoding="utf-8")
    for page, name in zip(book.build(), ("answer", "question"), strict=True):
        assert f"Small {name}" in page
        assert f"Tiny {name}" not in page
    assert book.runs() == [1, 1]


def test_what_the_tests_ran_serves_the_book(book):
    printed = book.test()
    assert "2 passed" in printed
    assert book.runs() == [2, 2], "twice in one kernel"
    answer, question = book.build()
    assert "the answer is 41" in answer
    assert "the question is 6" in question
    assert book.runs() == [2, 2]


def test_chapters_that_run_only_once_or_use_what_nobody_sees_fail(book):
    book.notebook("answer", "assert 'done' not in globals(), 'state is left over'", "done = True")
    by_name = "import importlib, sys\nsys.path.insert(0, '..')\nimportlib.import_module('tiny_lib.answer')"
    book.notebook("question", by_name)
    book.write("tiny_lib/table.csv", "seed,value\n0,1\n")
    any_table = "from pathlib import Path\nprint(next(Path('../tiny_lib').resolve().glob('*.csv')).read_text())"
    book.notebook("table", any_table)
    printed = book.test()
    assert "3 failed" in printed
    assert "second run in the same kernel" in printed
    assert "state is left over" in printed
    assert "question.ipynb imports tiny_lib, tiny_lib.answer, which snnsg_declared_imports" in printed
    assert "table.csv, which no module that it imports names" in printed


def test_a_warning_fails_the_next_build_too(book):
    book.write("_toc.yml", "format: jb-book\nroot: book/page\n")
    book.write("book/page.md", "# Page\n\nSee {ref}`nowhere`.\n")
    for _ in range(2):
        done = book.try_to_build()
        assert done.returncode != 0
        assert "nowhere" in done.stdout + done.stderr
