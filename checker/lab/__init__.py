"""The lab: an emulated AWS account on loopback, deployed from the project's assembly, to try the live commands on.

::

    up          one call from nothing to an account in which everything runs, and back
    server      the emulator as a process of its own: started, waited for, ended by its own process id
    emulator    what runs in that process; supplements and corrections are what it needs beyond the package
    assembly    the project's assembly with the ids and image tags that exist in the lab
    stacks      deploying it
    release     images and running tasks
    breaks      what a person could do to the account by hand
"""
