"""The command line. It prints what the other packages return, or `--json` for machines.

`main` gathers the commands and turns errors into one sentence and an exit code. The commands are in
`predict`, `train`, `results`, `reproduce` and `doctor`; `options` has what they share, `progress`
shows a training. Nothing else imports this package.
"""
