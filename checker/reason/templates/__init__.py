"""Single questions about templates: what outlives a stack, what alarms tell, who may deliver logs."""
