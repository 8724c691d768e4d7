"""Proves statements against a schema before anything runs, as a compiler would.

`rules/` holds the rules for every project, `dal/project/` the optional ones; `run.py` applies them.
"""
