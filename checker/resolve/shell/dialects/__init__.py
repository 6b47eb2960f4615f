"""What a shell makes of a script that was written for another one."""
