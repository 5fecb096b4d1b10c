"""The small engine that runs the files of mappings/."""
