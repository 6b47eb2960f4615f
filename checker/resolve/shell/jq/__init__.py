"""jq: filters taken apart, and what they make of a document that is known."""
