"""The release commands: everything that the pipeline does to an environment, and a person may do by hand.

`python -m infra.release COMMAND --help`. The exit codes are in `errors`.
"""
