"""Which source files a class depends on, so that a result is known to be out of date when one of them changes."""

from __future__ import annotations

import ast
import hashlib
import importlib.util
from collections.abc import Iterator
from pathlib import Path

from monai_unsup_denoise.errors import InputError


def code_digest(*targets: str) -> str:
    """SHA-256 over the files of :func:`source_files` of all targets; comments and docstrings do not count."""
    files = sorted({file for target in targets for file in source_files(target)})
    digest = hashlib.sha256()
    for file in files:
        content = _statements(file).encode() if file.suffix == ".py" else file.read_bytes()
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


def source_files(target: str) -> set[Path]:
    """The file that defines ``package.module.Class``, and all of that package that it imports, directly or not.

    Files are read, never imported: the packages that a module needs may be in another interpreter. Through an
    ``__init__`` that only passes a name on, the name alone is followed, not all that the ``__init__`` imports. A
    file of data that lies beside a module and is named in it, such as ``parameters.json``, belongs to it.

    Raises:
        InputError: if there is no such module.
    """
    module, _, name = target.rpartition(".")
    if _file(module) is None:
        raise InputError(f"{target}: no such module; check its dotted path")
    files: set[Path] = set()
    waiting = [(module, name)]
    while waiting:
        file = _defining_file(*waiting.pop())
        if file is None or file in files:
            continue
        tree = ast.parse(file.read_bytes())
        files |= {file, *_data_files(file, tree)}
        waiting += [imported for imported in _imports(tree) if _top(imported[0]) == _top(target)]
    return files


def _statements(file: Path) -> str:
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            node.body = [line for line in node.body if not _is_docstring(line)]
    return ast.unparse(tree)


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)


def _defining_file(module: str, name: str) -> Path | None:
    """Where ``from module import name`` leads: a module of that name, or the one that defines it."""
    file = _file(f"{module}.{name}") or _file(module)
    if file is not None and file.name == "__init__.py":
        for origin, imported in _imports(ast.parse(file.read_bytes())):
            if imported == name and origin != module:
                return _defining_file(origin, name)
    return file


def _data_files(file: Path, tree: ast.Module) -> Iterator[Path]:
    """Files beside ``file`` whose name is a string in it."""
    beside = {path.name: path for path in file.parent.iterdir() if path.is_file() and path.suffix != ".py"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in beside:
            yield beside[node.value]


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Module and name of all imports, at any depth; `import a.b` is the name b of a. They are absolute, as ours are."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield from ((node.module, alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                module, _, name = alias.name.rpartition(".")
                yield (module, name) if module else (name, "")


def _top(module: str) -> str:
    return module.partition(".")[0]


def _file(module: str) -> Path | None:
    top, *inner = module.split(".")
    spec = importlib.util.find_spec(top) if top else None
    if spec is None or spec.origin is None:
        return None
    if not inner:
        return Path(spec.origin)
    for folder in spec.submodule_search_locations or ():
        path = Path(folder, *inner)
        for candidate in (path / "__init__.py", path.with_suffix(".py")):
            if all(inner) and candidate.is_file():
                return candidate
    return None
