"""What the integration tests stand on: the real programs, a throw-away PostgreSQL, the contract."""
