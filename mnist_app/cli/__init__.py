"""The command line. It prints what the other packages return, or `--json` for machines.

`main` holds the commands and turns errors into one sentence and an exit code; `predict` and
`doctor` are commands of their own; `progress` shows a training. Nothing else imports this package.
"""
