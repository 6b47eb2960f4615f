"""SQL of other systems than PostgreSQL, as PostgreSQL says the same."""
