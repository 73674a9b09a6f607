"""The report of a benchmark: Markdown tables and figures."""

from monai_unsup_denoise.benchmark.report.noise_kinds import write_kinds_report
from monai_unsup_denoise.benchmark.report.repeats import write_repeats_report
from monai_unsup_denoise.benchmark.report.report import Report, write_report
from monai_unsup_denoise.benchmark.report.tables import results_table, volume_tables
from monai_unsup_denoise.benchmark.report.volume_results import VolumeResults, volume_results

__all__ = [
    "Report",
    "VolumeResults",
    "results_table",
    "volume_results",
    "volume_tables",
    "write_kinds_report",
    "write_repeats_report",
    "write_report",
]
