"""A repository's settings, through GitHub's REST API. Read-only.

::

    read      all facts of one repository, asked for side by side, within a deadline
    client    one client: the token, the address, and what each kind of refusal means
    shapes    GitHub's answers as facts
    facts     facts as a snapshot keeps them, and back
"""
