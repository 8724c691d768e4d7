"""Connections: the pool, transactions, and what their failures are called."""

from dal.database.connect import connect
from dal.database.database import Database
from dal.database.executor import Executor
from dal.database.pool_stats import PoolStats
from dal.database.transaction import Transaction

__all__ = ["Database", "Executor", "PoolStats", "Transaction", "connect"]
