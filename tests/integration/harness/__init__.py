"""What the integration tests stand on: the real programs, a throw-away PostgreSQL, the contract."""
import httpx

# Where a test names no timeout: five seconds, httpx's own, can pass on a machine that does much else.
httpx._config.DEFAULT_TIMEOUT_CONFIG.__init__(60)
