"""The report as one HTML page that needs nothing beside it."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from monai_unsup_denoise.benchmark.report.content import Report, slices_line
from monai_unsup_denoise.benchmark.report.drawings import Drawing, Kind
from monai_unsup_denoise.benchmark.report.published_table import published_table
from monai_unsup_denoise.benchmark.report.table import Table, superscript
from monai_unsup_denoise.benchmark.report.tables import further_tables, main_table
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults


@dataclass(frozen=True)
class Picture:
    """A PNG as the page shows it: `data` in base64, sizes in pixels of the page."""

    title: str
    caption: str
    alt: str
    data: str
    width: int
    height: int
    open: bool


@dataclass(frozen=True)
class Section:
    """All that the page shows of a volume."""

    volume: VolumeResults
    slices: str
    main: Table
    published: Table | None
    further: Sequence[Table]
    curves: Sequence[Picture]
    strips: Sequence[Picture]
    graphs: Sequence[Picture]


def html_page(report: Report, drawings: Iterable[tuple[Drawing, bytes]]) -> str:
    """The page; every text is escaped, and every picture lies inside it.

    Args:
        report: its texts.
        drawings: what was drawn, each with its PNG.
    """
    pictures = [(drawing, _picture(drawing, png)) for drawing, png in drawings]
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["superscript"] = superscript
    template = environment.from_string(Path(__file__).with_name("page.html.j2").read_text(encoding="utf-8"))
    sections = [
        _section(volume, [(drawing.kind, picture) for drawing, picture in pictures if drawing.volume == volume.name])
        for volume in report.volumes
    ]
    return template.render(report=report, sections=sections)


def _section(volume: VolumeResults, pictures: Sequence[tuple[Kind, Picture]]) -> Section:
    curves, strips, graphs = (
        [picture for kind, picture in pictures if kind is wanted] for wanted in (Kind.CURVES, Kind.STRIP, Kind.GRAPH)
    )
    return Section(
        volume=volume,
        slices=slices_line(volume),
        main=main_table(volume),
        published=published_table(volume),
        further=further_tables(volume),
        curves=curves,
        strips=strips,
        graphs=graphs,
    )


def _picture(drawing: Drawing, png: bytes) -> Picture:
    # In a PNG, width and height are the first two numbers of the first chunk, which starts at byte 16.
    width, height = (int.from_bytes(png[start : start + 4], "big") for start in (16, 20))
    data = base64.b64encode(png).decode("ascii")
    return Picture(drawing.title, drawing.caption, drawing.alt, data, width, height, drawing.open)
