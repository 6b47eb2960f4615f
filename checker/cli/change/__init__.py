"""Commands about change: from run to run, from release to release."""
