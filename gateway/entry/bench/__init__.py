"""What the workbench does with an input somebody gives it, in a process of its own."""
