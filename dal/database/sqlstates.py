"""PostgreSQL's error codes, and the error of `dal.errors` for each."""

from dal import errors

CONNECTION_FAILURE = "08006"
DIVISION_BY_ZERO = "22012"
FOREIGN_KEY_VIOLATION = "23503"
READ_ONLY = "25006"
SERIALIZATION_FAILURE = "40001"
COMPLETION_UNKNOWN = "40003"
INSUFFICIENT_PRIVILEGE = "42501"
TOO_MANY_CONNECTIONS = "53300"
LOCK_NOT_AVAILABLE = "55P03"
RESULT_NOT_FOUND = "CIINF"
INTERNAL_ERROR = "XX000"

# By SQLSTATE, else by its class (the first two characters).
_ERRORS: dict[str, type[errors.DalError]] = {
    "08": errors.ConnectionLostError,
    "22": errors.InvalidInputError,
    "23001": errors.ConflictError,
    "23502": errors.SchemaMismatchError,  # a required column that this version does not know
    FOREIGN_KEY_VIOLATION: errors.ConflictError,
    "23505": errors.ConflictError,
    "23514": errors.InvalidInputError,
    READ_ONLY: errors.DatabaseUnavailableError,  # a standby, or read-only by its settings
    "25P03": errors.ConnectionLostError,  # idle_in_transaction_session_timeout
    "25P04": errors.ConnectionLostError,  # transaction_timeout
    "28": errors.ConfigurationError,
    "3D000": errors.ConfigurationError,
    "3F000": errors.SchemaMismatchError,
    "40": errors.TransactionConflictError,
    COMPLETION_UNKNOWN: errors.ConnectionLostError,
    "42": errors.SchemaMismatchError,
    INSUFFICIENT_PRIVILEGE: errors.PermissionDeniedError,
    "53": errors.DatabaseUnavailableError,
    "54": errors.InvalidInputError,
    LOCK_NOT_AVAILABLE: errors.TransactionConflictError,
    "57014": errors.QueryTimeoutError,
    "57P01": errors.ConnectionLostError,
    "57P02": errors.ConnectionLostError,
    "57P03": errors.DatabaseUnavailableError,
    "57P04": errors.ConnectionLostError,  # the database was dropped
    "57P05": errors.ConnectionLostError,
    RESULT_NOT_FOUND: errors.TransactionConflictError,  # Citus, after a shard moved
}


def error_class(sqlstate: str) -> type[errors.DalError]:
    """The class of error for a SQLSTATE."""
    return _ERRORS.get(sqlstate) or _ERRORS.get(sqlstate[:2]) or errors.DalError
