"""Generated tables and what reads them. Each table names the tool that makes it; each is read when first asked for."""
