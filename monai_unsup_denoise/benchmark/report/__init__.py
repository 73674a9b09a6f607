"""The report of a benchmark: Markdown tables, figures, and one HTML page that opens from disk.

`volume_results` reads the frame; `tables` and the `*_figure` files say what is shown; `page` and `write` put it on
disk.
"""

from monai_unsup_denoise.benchmark.report.tables import readme_table
from monai_unsup_denoise.benchmark.report.volume_results import volume_results
from monai_unsup_denoise.benchmark.report.write import write_report

__all__ = ["readme_table", "volume_results", "write_report"]
