"""Lighthouse, page weight and speed of the explorers on the built book: `make audit`.

Needs Node's `npx` on the PATH (`make audit` gives that of the requirements), and a browser's path in CHROME_PATH.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
HTML = ROOT / "_build" / "html"
LIGHTHOUSE = "lighthouse@12.8.2"
RUNS = 5
FRAMES = 120
CHROME_FLAGS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LIMITS = {
    "performance": (">=", 95),
    "accessibility": (">=", 97),
    "kB with gzip": ("<=", 900),
    "explorer ready, ms": ("<=", 1500),
    "drawing a frame, ms": ("<=", 4),
}
# Faults of the theme: id of the audit and the start of the selector that it may name.
ALLOWED = {
    # The search button is named "Search", and shows its keys, "Ctrl+K", beside that.
    "label-content-name-mismatch": ("div#pst-primary-sidebar",),
}

# Notes when the first explorer has drawn, and the time that each frame's callbacks take.
PROBE = """
(() => {
  globalThis.probe = {ready: null, frames: []};
  const look = () => {
    if (probe.ready === null && document.querySelector("figure[data-snnsg] svg path")) probe.ready = performance.now();
    else if (probe.ready === null) setTimeout(look, 5);
  };
  look();
  const native = requestAnimationFrame;
  globalThis.requestAnimationFrame = (callback) => native((time) => {
    const start = performance.now();
    callback(time);
    probe.frames.push(performance.now() - start);
  });
})();
"""
# One change of a slider in each frame, over its whole range.
DRAG = """
async (frames) => {
  probe.frames.length = 0;
  const sliders = [...document.querySelectorAll("figure[data-snnsg] input[type=range]")];
  const nextFrame = () => new Promise((done) => setTimeout(done, 17));
  for (let i = 0; i < frames; i++) {
    const slider = sliders[0];
    slider.value = Number(slider.min) + (Number(slider.max) - Number(slider.min)) * (i / (frames - 1));
    slider.dispatchEvent(new Event("input", {bubbles: true}));
    await nextFrame();
  }
  return probe.frames;
}
"""


class GzipHandler(SimpleHTTPRequestHandler):
    """Serve a folder as a web server would: text compressed, one day in the cache."""

    TEXT = (".html", ".css", ".js", ".svg", ".json", ".txt")

    def do_GET(self):
        """Send the file, compressed where the browser accepts that."""
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path /= "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        body = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", self.guess_type(str(path)))
        if path.suffix in self.TEXT:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Cache-Control", "max-age=86400")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Keep the output to the results."""


def lighthouse(url: str, folder: Path) -> dict:
    """Return the report of one run on a desktop."""
    path = folder / "report.json"
    options = ["--preset=desktop", "--only-categories=performance,accessibility", "--output=json", "--quiet"]
    command = [
        "npx",
        "--yes",
        LIGHTHOUSE,
        url,
        *options,
        f"--output-path={path}",
        f"--chrome-flags={' '.join(CHROME_FLAGS)}",
    ]
    subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder)
    return json.loads(path.read_text(encoding="utf-8"))


def faults(report: dict) -> set[tuple[str, str]]:
    """Return (audit, selector) of each accessibility fault in a report."""
    found = set()
    for reference in report["categories"]["accessibility"]["auditRefs"]:
        audit = report["audits"][reference["id"]]
        if audit["score"] is not None and audit["score"] < 1:
            items = audit.get("details", {}).get("items", [])
            found |= {(audit["id"], item.get("node", {}).get("selector", "")) for item in items} or {(audit["id"], "")}
    return found


def allowed(fault: tuple[str, str]) -> bool:
    """Return whether a fault is one of the theme's own, listed above."""
    return any(fault[1].startswith(start) for start in ALLOWED.get(fault[0], ()))


def explorer_times(url: str) -> tuple[float | None, float | None]:
    """Return the milliseconds until a page's explorer stands, and those its drawing takes in a frame while dragging."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=os.environ.get("CHROME_PATH"), args=["--no-sandbox"])
        page = chromium.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(PROBE)
        page.goto(url)
        if not page.locator("figure[data-snnsg]").count():
            chromium.close()
            return None, None
        page.wait_for_function("probe.ready !== null")
        ready = page.evaluate("probe.ready")
        frames = page.evaluate(DRAG, FRAMES)
        chromium.close()
    return ready, median(frames)


def audit_page(url: str, folder: Path) -> tuple[dict, set]:
    """Return the medians of a page and its faults."""
    reports = [lighthouse(url, folder) for _ in range(RUNS)]
    categories = ("performance", "accessibility")
    values = {name: median(100 * r["categories"][name]["score"] for r in reports) for name in categories}
    values["kB with gzip"] = median(r["audits"]["total-byte-weight"]["numericValue"] / 1000 for r in reports)
    times = [explorer_times(url) for _ in range(RUNS)]
    if times[0][0] is not None:
        values["explorer ready, ms"] = median(ready for ready, _ in times)
        values["drawing a frame, ms"] = median(frame for _, frame in times)
    return values, faults(reports[-1])


def main() -> int:
    """Audit every page of the book, print the figures, return 1 if one misses its limit or a fault is ours."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(GzipHandler, directory=str(HTML)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    failed = False
    names = sys.argv[1:] or sorted(path.stem for path in (HTML / "book").glob("*.html"))
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            values, found = audit_page(f"http://127.0.0.1:{server.server_port}/book/{name}.html", Path(folder))
        for measure, value in values.items():
            kind, limit = LIMITS[measure]
            good = value >= limit if kind == ">=" else value <= limit
            failed |= not good
            print(f"{name:12} {measure:20} {value:8.1f}  {kind} {limit}  {'ok' if good else 'MISSED'}", flush=True)
        for fault in sorted(found):
            failed |= not allowed(fault)
            print(f"{name:12} {fault[0]}: {fault[1]}  {'(theme, allowed)' if allowed(fault) else 'FAULT'}", flush=True)
    server.shutdown()
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
