"""How programs that migrate end, where a migration fails."""
