"""The commands, by what they are about. What one needs is imported inside it."""
