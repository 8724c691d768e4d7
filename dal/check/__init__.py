"""Proves statements against a schema before anything runs, as a compiler would.

`rules/` holds the rules, one file each, and their list; `run.py` applies them.
"""
