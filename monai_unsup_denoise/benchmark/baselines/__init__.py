"""Denoisers of other people behind one signature: `Class(**parameters)(noisy, sigma)`, arrays in and out.

Each module names the package it needs and imports nothing heavier, so that it also runs in an environment that has
that package and NumPy but not this project's dependencies.
"""
