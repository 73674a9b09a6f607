"""Baselines behind one signature: `Class(**parameters)(noisy, sigma)`, arrays `(X, Y, Z)` float32 in and out.

Each constructor imports the package that it needs: a module can be imported without it, and the time of a call is that
of the method. The modules for packages of `make baselines` need NumPy and SciPy besides, and neither torch nor MONAI.
"""
