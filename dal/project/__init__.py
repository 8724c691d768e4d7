"""The projects that a command works on: dal's own, and the service of the current folder."""
