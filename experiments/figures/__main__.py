"""Draw the figures of docs/figures.md.

    python -m experiments.figures [--output-dir docs/figures] [NAME ...]

draws all, or those that are named. It denoises phantoms with the bundled model, some minutes on one core.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

from experiments.figures.method import draw_method
from experiments.figures.noise_kinds import draw_noise_kinds
from experiments.figures.sigma_maps import draw_sigma_maps
from experiments.figures.speed_quality import draw_speed_quality
from monai_unsup_denoise.files import atomic_write

ROOT = Path(__file__).resolve().parents[2]
#: By the name of the file; each returns its content.
FIGURES: dict[str, Callable[[], bytes]] = {
    "method.svg": draw_method,
    "noise_kinds.png": draw_noise_kinds,
    "speed_quality.png": draw_speed_quality,
    "sigma_maps.png": draw_sigma_maps,
}


def main() -> None:
    """Draw and write the figures."""
    names = {Path(file).stem: file for file in FIGURES}
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--output-dir", type=Path, default=ROOT / "docs" / "figures", help="(default docs/figures)")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; all by default")
    options = parser.parse_args()
    if unknown := [name for name in options.names if name not in names]:
        parser.error(f"{unknown[0]}: no such figure; choose from {', '.join(names)}")
    for name in options.names or names:
        path = options.output_dir / names[name]
        content = FIGURES[names[name]]()
        with atomic_write(path.absolute()) as partial:
            partial.write_bytes(content)
        print(f"{path}: {len(content) / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main()
