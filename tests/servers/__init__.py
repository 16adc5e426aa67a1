"""What the tests run against: real PostgreSQL, real Valkey, the real command."""
