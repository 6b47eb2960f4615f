"""How the package managers of Node.js choose packages, and what they run around a script."""
