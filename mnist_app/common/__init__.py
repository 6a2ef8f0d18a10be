"""What every other package may use: errors, names, settings and folders, files, the machine.

`settings` knows the folders of results and data sets, and what the environment sets. A message for
the user is an `errors.InputError`, and `names` makes outside text safe to show in it. `files`
writes files atomically. `teacher_code` checks the code, and `network_address` finds the address
at which others can open the app. `memory` tunes how the process gets its memory, and `machine`
describes the machine. Only `machine` loads torch.
"""
