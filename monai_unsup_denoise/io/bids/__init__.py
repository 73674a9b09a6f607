"""BIDS: find the scans of a dataset, and write a derivative dataset.

Own code, not pybids: that needs sqlalchemy and indexes a whole dataset, to list ``sub-*/anat`` and read sidecars.
"""
