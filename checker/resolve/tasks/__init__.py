"""Files that give commands a name: package.json, Makefile, justfile, Taskfile, projen's list."""
