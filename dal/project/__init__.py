"""Builds the `Project`s that a command works on; holds the rules that a project may add."""
