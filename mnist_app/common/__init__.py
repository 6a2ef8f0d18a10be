"""What every other package may use: errors, names, settings and folders, files, the machine.

`settings` knows the folders of results and data sets, and what the environment says. A message for
the user is an `errors.InputError`. `files` writes a file in one step. `teacher_code` checks the
code, `network_address` knows how others reach the app, `memory` and `machine` know the process.
Only `machine` loads torch.
"""
