"""Walk through folders, linked ones included."""

import os
from collections.abc import Iterator
from pathlib import Path


def walk_folders(folder: str | Path) -> Iterator[tuple[Path, list[Path]]]:
    """``folder`` and those below it, each with its files, sorted; hidden ones are left out.

    A link to a folder is followed, under its own name. A folder comes once: links that lead to it again, in a circle
    for example, are left out, and one that lies below ``folder`` itself comes under its own name.
    """
    seen = set()
    waiting = [Path(folder)]
    while waiting:
        for parent, folders, files in os.walk(waiting.pop(0)):
            real = os.path.realpath(parent)
            shown = [] if real in seen else sorted(name for name in folders if not name.startswith("."))
            folders[:] = [name for name in shown if not os.path.islink(os.path.join(parent, name))]
            waiting += [Path(parent, name) for name in shown if name not in folders]
            if real not in seen:
                yield Path(parent), [Path(parent, name) for name in sorted(files) if not name.startswith(".")]
            seen.add(real)
