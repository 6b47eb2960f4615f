"""Templates as the pipeline deploys them: under which names, with which parameters, and changed by which job."""
