"""The command line. It prints what the other packages return, as text or, with `--json`, as JSON.

`main` collects the commands and turns each error into one sentence and an exit code. The commands
are in `predict`, `train`, `results`, `reproduce` and `doctor`. `options` has what they share, and
`progress` shows how training is going. Only `mnist_app.__main__` imports this package.
"""
