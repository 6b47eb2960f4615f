"""Reading what people write for the checker: settings, the register, and how faults in them are told."""
