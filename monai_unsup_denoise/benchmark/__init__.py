"""Compare methods: volumes x levels x methods give scores, tables and figures.

Nothing is imported here: `worker` also runs in interpreters that have little more than numpy.
"""
