"""The pictures of the gallery: the last one of each tutorial, as the last build of the site ran it.

python docs/site/gallery.py
"""

import base64
import io
import json
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
WIDTH = 720  # pixels


def main() -> None:
    """Write a picture beside each tutorial."""
    for notebook in sorted((ROOT / "build" / "jupyter_execute" / "docs" / "tutorials").glob("*.ipynb")):
        picture = Image.open(io.BytesIO(base64.b64decode(last_picture(notebook))))
        picture.thumbnail((WIDTH, WIDTH))
        picture.convert("P", palette=Image.Palette.ADAPTIVE).save(
            ROOT / "docs" / "tutorials" / f"{notebook.stem}.png", optimize=True
        )


def last_picture(notebook: Path) -> str:
    """The last PNG among the outputs, in base64."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    outputs = [output.get("data", {}) for cell in cells for output in cell.get("outputs", [])]
    return [data["image/png"] for data in outputs if "image/png" in data][-1]


if __name__ == "__main__":
    main()
