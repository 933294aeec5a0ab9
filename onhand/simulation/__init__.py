"""What would happen on a day of many buyers: decisions tried on simulated channels, without I/O; imports the domain."""
