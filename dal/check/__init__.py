"""Proves statements against a schema before anything runs: what a compiler would find.

`rules/` has the rules, a file each, and their list; `run.py` applies them.
"""
