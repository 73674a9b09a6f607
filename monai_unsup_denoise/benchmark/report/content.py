"""What a report says, before it is Markdown or HTML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from monai_unsup_denoise.benchmark.report.published_table import published_table
from monai_unsup_denoise.benchmark.report.summary import failure_lines, summary_table
from monai_unsup_denoise.benchmark.report.table import Table, escaped, markdown
from monai_unsup_denoise.benchmark.report.tables import further_tables, main_table
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults

CONVENTION = (
    "The clean volume is scaled to maximum 1. Rician noise of sigma = level % of that maximum is drawn once for each "
    "volume, level and seed, and every method gets the same. The output is compared in the units of the input. Data "
    "range 1; foreground: clean > 10/255; SSIM with a Gaussian window of sigma 1.5 without sample covariance, in 2-D "
    "the mean over the slices of the last axis."
)


@dataclass(frozen=True)
class Report:
    """The texts of a report.

    Args:
        volumes: what was measured.
        note: what the reader has to know first, such as that the grid was reduced.
        command: by which command it was made.
        conditions: under which seconds were measured: processor, threads, other load.
    """

    volumes: Sequence[VolumeResults]
    note: str = ""
    command: str = ""
    conditions: str = ""

    @property
    def compared(self) -> str:
        """What was compared, on what, in a sentence or two."""
        levels = sorted({level for volume in self.volumes for level in volume.levels})
        seeds = sorted({seed for volume in self.volumes for seed in volume.seeds})
        methods = {method for volume in self.volumes for method in volume.measured_methods}
        asked = {method for volume in self.volumes for method in volume.methods}
        missing = f" ({len(asked) - len(methods)} more could not be measured)" if asked - methods else ""
        names = _and([volume.title for volume in self.volumes])
        return (
            f"{len(methods)} methods{missing} on {names}, with Rician noise of "
            f"{_and([f'{level:g}' for level in levels])} % of the maximum, "
            f"noise seed{'s' if len(seeds) > 1 else ''} {_and([str(seed) for seed in seeds])}."
        )

    @property
    def summary(self) -> Table:
        """The best methods by volume."""
        return summary_table(self.volumes)

    @property
    def failures(self) -> list[str]:
        """What is missing, and why."""
        return failure_lines(self.volumes)

    @property
    def versions(self) -> Mapping[str, str]:
        """With which versions each method ran, by its title; methods that need nothing told are left out."""
        found: dict[str, str] = {}
        for volume in self.volumes:
            for method in volume.methods:
                texts = volume.rows.loc[volume.rows["method"] == method, "versions"]
                if told := ", ".join(dict.fromkeys(text for text in texts if text)):
                    found.setdefault(volume.titles.get(method, method), told)
        return found

    @property
    def how(self) -> list[str]:
        """How it was made, a paragraph each; the command is apart."""
        seconds = f"Seconds: {self.conditions}" if self.conditions else ""
        return [text for text in (f"Convention: {CONVENTION}", seconds) if text]


def volume_tables(volume: VolumeResults) -> list[Table]:
    """All tables of a volume, the main one first."""
    published = published_table(volume)
    return [main_table(volume), *([published] if published else []), *further_tables(volume)]


def markdown_report(report: Report) -> str:
    """The tables of a report as one Markdown page; nothing in it depends on the day."""
    parts = ["# Benchmark", escaped(report.note), escaped(report.compared)]
    parts += [report.summary.caption, markdown(report.summary)]
    for volume in report.volumes:
        parts.append(f"## {escaped(volume.title)}")
        parts.append(slices_line(volume))
        for table in volume_tables(volume):
            parts += [f"### {table.title}", escaped(table.caption), markdown(table)]
    if report.failures:
        parts += ["## What is missing", "\n".join(f"- {escaped(line)}" for line in report.failures)]
    parts += [
        "## How it was made",
        *([f"```bash\n{report.command}\n```"] if report.command else []),
        *map(escaped, report.how),
    ]
    parts.append("\n".join(f"- {escaped(title)}: {escaped(versions)}" for title, versions in report.versions.items()))
    return "\n\n".join(part for part in parts if part) + "\n"


def slices_line(volume: VolumeResults) -> str:
    """On which slices the volume was measured."""
    usual = volume.usual_slices
    return f"Slices of the last axis: {usual}." if usual else "Nothing could be measured on this volume."


def _and(words: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(words[:-1]), words[-1]]))
