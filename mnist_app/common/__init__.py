"""What everything else relies on: errors, settings and folders, the teacher's code, the machine."""
