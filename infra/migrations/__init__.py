"""Numbered SQL files, applied to one PostgreSQL database under a lock, once each and in order.

`python -m infra.migrations {up,down,status,plan}`. The reading order of the modules is the order of a run:
`config` (what was asked) → `files` (what there is, through `sql` and `headers`) → `session` (the one connection) →
`lock` → `history` (what was done) → `planning` (what is left, pure) → `runner`.
"""
