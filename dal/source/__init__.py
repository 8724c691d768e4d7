"""SQL files as people write them: tokens, places, header comments, waivers, optional lines."""
