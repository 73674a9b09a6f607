"""BIDS: scans of a dataset, and the derivative dataset made from them."""
