"""A report on each denoised scan, and an index of many."""

from monai_unsup_denoise.scan_report.content import ReportContent
from monai_unsup_denoise.scan_report.index_page import check_index, read_summary, write_index
from monai_unsup_denoise.scan_report.page import write_report
