"""A digital head phantom: random people (anatomy), the MR signal equation (contrast), a scan
(acquisition)."""

from monai_unsup_denoise.data.phantom.datalist import default_cache_dir, phantom_datalist

__all__ = ["default_cache_dir", "phantom_datalist"]
