"""Commands for whoever begins with the checker: settings, rules of their own, completion."""
