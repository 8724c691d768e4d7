"""Reads the schema, statistics, descriptions and plans from PostgreSQL, and runs `populate`."""
