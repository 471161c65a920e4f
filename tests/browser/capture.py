"""Pictures of the explorers for pages without JavaScript, captured from their live drawing: `make pictures`."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
from pathlib import Path

from pages import NEXT_FRAME, ROOT, Watch, page_of
from playwright.sync_api import Browser, sync_playwright

from snnsg_book import explorers
from snnsg_book.explorers import Explorer
from snnsg_book.explorers.pictures import FOLDER, picture_path

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH = 720  # of the book's text column
DIRECTIVE = re.compile(r"```\{explorer\} (\w+)([^\n`]*)")
# The drawing with its style written into its elements: what an image cannot look up in the page.
FLATTEN = """
([name]) => {
  const explorer = document.querySelector(`figure[data-snnsg=${name}]`);
  const live = explorer.querySelector(".snnsg-picture svg");
  const hex = (colour) => {
    if (!/^(rgb|color)/.test(colour)) return colour;
    const parts = colour.match(/[\\d.]+/g).map(Number);
    if (parts[3] === 0) return "none";
    const bytes = parts.slice(0, 3).map((part) => Math.round(colour.startsWith("rgb") ? part : 255 * part));
    return "#" + bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
  };
  const inherited = { fill: "#000000", stroke: "none", "stroke-width": "1px", "stroke-dasharray": "none",
    "stroke-linecap": "butt", "stroke-linejoin": "miter", "paint-order": "normal", "font-size": "16px",
    "font-weight": "400", "shape-rendering": "auto" };
  const rounded = (text) => text.replace(/-?\\d+\\.\\d+/g, (digits) => String(Math.round(Number(digits) * 10) / 10));
  function copy(node, outer) {
    const style = getComputedStyle(node), own = { ...outer };
    if (style.visibility === "hidden" || style.display === "none") return null;
    const flat = document.createElementNS(node.namespaceURI, node.tagName);
    for (const { name, value } of node.attributes) {
      if (!/^(class|style|role|tabindex|visibility|aria-.*)$/.test(name)) flat.setAttribute(name, rounded(value));
    }
    for (const name of Object.keys(inherited)) {
      const value = /^(fill|stroke)$/.test(name) ? hex(style[name]) : style.getPropertyValue(name);
      if (value === outer[name] || (name.startsWith("font") && !node.textContent)) continue;
      if (name.startsWith("stroke-") && hex(style.stroke) === "none") continue;
      own[name] = value;
      flat.setAttribute(name, value.replace(/px/g, ""));
    }
    if (style.opacity !== "1") flat.setAttribute("opacity", style.opacity);
    if (node.tagName === "text") flat.textContent = node.textContent;
    for (const child of node.children) { const below = copy(child, own); if (below) flat.append(below); }
    const seen = hex(style.fill) !== "none" || hex(style.stroke) !== "none";
    if (node.tagName === "path" && !node.getAttribute("d")) return null;
    if (node.tagName === "g" && !flat.children.length) return null;
    if (node.tagName === "text" && !node.textContent) return null;
    return seen || node.children.length ? flat : null;
  }
  const flat = copy(live, inherited);
  flat.setAttribute("font-family", "system-ui, sans-serif");
  const desc = document.createElementNS(live.namespaceURI, "desc");
  desc.textContent = explorer.querySelector(".snnsg-sentence").textContent;
  flat.prepend(desc);
  return new XMLSerializer().serializeToString(flat);
}
"""


def pictured() -> list[Explorer]:
    """Every explorer in its first state, and in each state in which a page of the book shows it."""
    shown = [getattr(explorers, name)() for name in explorers.__all__ if name != "Explorer"]
    for path in sorted((ROOT / "book").glob("*.ipynb")) + sorted((ROOT / "book").glob("*.md")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".ipynb":
            text = "\n".join("".join(cell["source"]) for cell in json.loads(text)["cells"])
        for name, choices in DIRECTIVE.findall(text):
            shown.append(getattr(explorers, name)(**dict(choice.split("=") for choice in choices.split())))
    return list({picture_path(one._name, one.changes()): one for one in shown}.values())


def captured(browser: Browser, explorer: Explorer) -> str:
    """Return the drawing of an explorer as an SVG document on its own, with its sentence as description."""
    with Watch(browser, width=WIDTH + 32, height=900, reduced_motion="reduce") as watch:
        with tempfile.TemporaryDirectory() as folder:
            page = watch.open(page_of(Path(folder), explorer))
            page.evaluate(NEXT_FRAME)
        return page.evaluate(FLATTEN, [explorer._name]) + "\n"


def main() -> None:
    """Capture all pictures anew, and drop those of states that no page shows any longer."""
    executable = os.environ.get("SNNSG_BROWSER") or next(filter(None, map(shutil.which, BROWSERS)), None)
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        paths = []
        for explorer in pictured():
            paths.append(picture_path(explorer._name, explorer.changes()))
            paths[-1].write_text(captured(browser, explorer), encoding="utf-8")
            print(paths[-1].relative_to(ROOT))
        browser.close()
    for path in set(FOLDER.glob("*.svg")) - set(paths):
        path.unlink()


if __name__ == "__main__":
    main()
