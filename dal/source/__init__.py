"""Reads SQL files: tokens, positions, header comments, waivers and optional lines."""
