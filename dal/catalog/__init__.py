"""Generates the pages for a DBA from a live server."""
