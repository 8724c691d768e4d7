"""Builds the `Project`s (dal.check.project) of dal and of a service, and has the optional rules."""
