"""The checker: judges CDK assemblies, pipelines and accounts against a register of findings.

Data goes one way, and the folders are named after its steps::

    collect  ->  model  ->  judge  ->  waive  ->  report
    (I/O)        (facts)    (pure)     (pure)     (pure: Run -> text)
"""
