"""The command line: the only layer that talks to disks, terminals and hardware. Each command imports what it needs when it runs."""
