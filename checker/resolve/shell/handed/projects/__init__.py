"""What the settings of a project have a tool run: hooks, releases, scripts under a name."""
