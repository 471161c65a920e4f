"""Sphinx extension of the book: explorers, assets, launch buttons, API reference."""

import re
import shutil
from pathlib import Path

from snnsg_depends import digest_of, files_below
from sphinx.application import ENV_PICKLE_FILENAME, Sphinx
from sphinx.config import Config

EXPLORER = re.compile(r'<figure[^>]*\sdata-snnsg="([a-z0-9_-]+)"')
API_ENTRY = re.compile(r"^- `(snnsg_(?:lib|book)\.[\w.]+)`$", flags=re.MULTILINE)
API_SECTION = """## `{module}`

```{{eval-rst}}
.. automodule:: {module}
   :members:
   :show-inheritance:
```
"""


def digest_extension(app: Sphinx, config: Config) -> None:
    """Let a change of the book's own extensions read every page again; outputs of notebooks come from the cache."""
    here = Path(__file__).parent
    config.snnsg_extension_digest = digest_of(here, [path.name for path in here.glob("*.py")])


def digest_assets(app: Sphinx, config: Config) -> None:
    """Let a changed script or style write every page again, since pages name their assets with a checksum."""
    config.snnsg_assets_digest = digest_of(Path(app.srcdir), list(config.snnsg_assets))


def copy_assets(app: Sphinx) -> None:
    """Copy scripts, styles and fonts, also in incremental builds in which no page changed."""
    if app.builder.format != "html":
        return
    for source, target in app.config.snnsg_assets.items():
        folder = Path(app.srcdir) / source
        for path in files_below(folder):
            if path.suffix in {".py", ".md"}:
                continue
            copy = Path(app.outdir) / "_static" / target / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)


def add_explorers(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Load on each page only its own explorers: the shared scripts, theirs, then the host that starts them."""
    names = sorted(set(EXPLORER.findall(context.get("body") or "")))
    if not names:
        return
    from snnsg_book.explorers.explorer import SHARED

    app.add_css_file("explorers/explorer.css")
    for name in [*SHARED, *names, "host"]:
        # Deferred scripts run in their order: these before MathJax, which is large.
        app.add_js_file(f"explorers/{name}.js", priority=400, defer="defer")


def drop_widget_state(app: Sphinx, pagename: str, templatename: str, context: dict, doctree) -> None:
    """Leave out the state that ipywidgets would need: the page's explorers carry their own, a hundredth in size."""
    getattr(app.env, "nb_metadata", {}).get(pagename, {}).get("js_files", {}).pop("ipywidgets_state", None)


def add_launch_buttons(app: Sphinx, config: Config) -> None:
    """Offer Binder, Colab and JupyterHub where the repository's address is known."""
    if not config.snnsg_repository:
        return
    options = dict(config.html_theme_options)
    options.update(repository_url=config.snnsg_repository, repository_branch="main", use_repository_button=True)
    options["launch_buttons"] = {
        "notebook_interface": "jupyterlab",
        "binderhub_url": "https://mybinder.org",
        "colab_url": "https://colab.research.google.com",
        "jupyterhub_url": config.snnsg_jupyterhub,
    }
    config.html_theme_options = options


def expand_api(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn each module listed in the API chapter into a section made from its docstrings."""
    if docname.endswith("api"):
        source[0] = API_ENTRY.sub(lambda match: API_SECTION.format(module=match[1]), source[0])


def escape_bars(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Let |u| in a docstring mean an absolute value, not a substitution of reStructuredText."""
    for i, line in enumerate(lines):
        parts = line.split("`")
        lines[i] = "`".join(part if j % 2 else part.replace("|", r"\|") for j, part in enumerate(parts))


def forget_faulty_build(app: Sphinx, exception: Exception | None) -> None:
    """Let the next build find the same warnings, where warnings are errors: pages that are not read again give none."""
    if app.keep_going and app._warncount:
        (Path(app.doctreedir) / ENV_PICKLE_FILENAME).unlink(missing_ok=True)


def setup(app: Sphinx) -> dict:
    """Register the extension with Sphinx."""
    app.setup_extension("sphinx.ext.autodoc")
    app.add_config_value("snnsg_repository", "", "html", [str])
    app.add_config_value("snnsg_jupyterhub", "", "html", [str])
    app.add_config_value("snnsg_assets", {}, "html", [dict])
    app.add_config_value("snnsg_assets_digest", "", "html", [str])
    app.add_config_value("snnsg_extension_digest", "", "env", [str])
    # jupyter-book sets it for sphinx_comments, which this book does not load.
    app.add_config_value("comments_config", {}, "", [dict])
    app.connect("config-inited", digest_extension)
    app.connect("config-inited", digest_assets)
    app.connect("config-inited", add_launch_buttons)
    app.connect("builder-inited", copy_assets)
    app.connect("build-finished", forget_faulty_build)
    app.connect("source-read", expand_api)
    app.connect("autodoc-process-docstring", escape_bars)
    app.connect("html-page-context", add_explorers)
    # Before myst_nb (500) puts it into the page.
    app.connect("html-page-context", drop_widget_state, priority=400)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
