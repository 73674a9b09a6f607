"""The pictures of the gallery: the last one of each tutorial, as the last build of the site ran it.

python docs/site/gallery.py
"""

import base64
import io
from pathlib import Path

from jupyter_cache import get_cache
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
TUTORIALS = ROOT / "docs" / "tutorials"
WIDTH = 720  # pixels


def main() -> None:
    """Write a picture beside each tutorial."""
    for tutorial in sorted(set(TUTORIALS.glob("*.md")) - {TUTORIALS / "index.md"}):
        outputs = [output.get("data", {}) for cell in executed_cells(tutorial) for output in cell.outputs]
        last = [data["image/png"] for data in outputs if "image/png" in data][-1]
        picture = Image.open(io.BytesIO(base64.b64decode(last)))
        picture.thumbnail((WIDTH, WIDTH))
        picture = picture.convert("P", palette=Image.Palette.ADAPTIVE)
        picture.save(tutorial.with_suffix(".png"), optimize=True)


def executed_cells(tutorial: Path) -> list:
    """The code cells of a tutorial with their outputs, as the last build of the site showed them."""
    cache = get_cache(ROOT / "build" / "tutorials")
    records = [record for record in cache.list_cache_records() if record.uri == str(tutorial)]
    return cache.get_cache_bundle(max(records, key=lambda record: record.accessed).pk).nb.cells


if __name__ == "__main__":
    main()
