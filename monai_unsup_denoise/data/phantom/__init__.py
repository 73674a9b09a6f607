"""A digital head phantom: random subjects (anatomy), the MR signal equations (contrast), scans (acquisition).

Beside heads, the test objects of quality assurance.
"""

from monai_unsup_denoise.data.phantom.datalist import phantom_datalist
