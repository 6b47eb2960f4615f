"""Reading the pipeline: workflows, actions, shell scripts and Python modules, as written."""
