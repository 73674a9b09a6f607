"""The directive ``{public-names} package``: all public names of a package's ``__init__``, from their docstrings."""

import ast
import inspect
from importlib import import_module
from pathlib import Path
from types import ModuleType

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from monai_unsup_denoise import __all__ as offered


class PublicNames(SphinxDirective):
    """The docstring of a package, and an entry for each of its public names.

    First those that the top of the package offers, then the others, in the order of the ``__init__``.
    """

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        package = import_module(self.arguments[0])
        self.env.note_dependency(str(package.__file__))
        lines = [*(inspect.getdoc(package) or "").splitlines(), "", f".. py:module:: {package.__name__}", ""]
        names = public_names(package)
        for name in sorted(names, key=lambda name: name not in offered):
            home = names[name]
            lines += [*_entry(package, name, home), ""]
        return self.parse_text_to_nodes("\n".join(["```{eval-rst}", *lines, "```"]), allow_section_headings=True)


def public_names(package: ModuleType) -> dict[str, str]:
    """The names that the ``__init__`` of a package imports from our own modules, with these modules; or ``__all__``."""
    tree = ast.parse(Path(str(package.__file__)).read_text(encoding="utf-8"))
    imported = {
        alias.asname or alias.name: str(statement.module)
        for statement in tree.body
        if isinstance(statement, ast.ImportFrom) and str(statement.module).startswith(package.__name__)
        for alias in statement.names
    }
    listed = getattr(package, "__all__", imported)
    return {name: home for name, home in imported.items() if name in listed and not name.startswith("_")}


def _entry(package: ModuleType, name: str, home: str) -> list[str]:
    value = getattr(package, name)
    full_name = f"{package.__name__}.{name}"
    if inspect.isclass(value):
        bases = [] if value.__bases__ == (object,) else ["   :show-inheritance:"]
        return [f".. autoclass:: {full_name}", *bases]
    if inspect.isroutine(value):
        return [f".. autofunction:: {full_name}"]
    comment = ModuleAnalyzer.for_module(home).find_attr_docs().get(("", name), [])
    return [f".. py:data:: {name}", f"   :type: {type(value).__name__}", "", *(f"   {line}" for line in comment)]


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("public-names", PublicNames)
    return {"parallel_read_safe": True}
