"""The pages for a DBA, written from what a live server says."""
