"""Reading templates: cloud assemblies, bare templates, the project's own synthesis."""
