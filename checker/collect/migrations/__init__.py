"""Reading migrations: folders of SQL, and the programs and tests that apply them."""
