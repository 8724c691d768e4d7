"""A web shop that keeps all its SQL in files, without any of dal's tables."""
