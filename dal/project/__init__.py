"""The projects that a command works on: dal's own, and the service in whose folder one stands."""
