"""Generates sql/CATALOG.md and migrations/LOCKS.md from a server."""
