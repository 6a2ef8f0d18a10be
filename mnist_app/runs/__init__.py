"""Work in processes of its own: trainings, searches, and computations in the background.

A run is a training in a process of its own (`run`, `lifecycle`, `event_log`; `run_board` looks at
all of them for all who ask, `queue_limits` says how many one browser may have). A trial is a run
of a search (`search`, `search_lifecycle`, `search_files`). A job is a computation whose result
goes to the cache (`jobs`). A worker is the process of a run (`worker`); `processes` starts those
of runs and jobs alike, by a fork server where there is one (`fork_client`, `fork_server`).
`upload_removal` deletes a data set that no run needs.
"""
