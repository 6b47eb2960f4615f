"""Programs in JavaScript and TypeScript, as far as they are followed."""
