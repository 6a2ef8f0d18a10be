"""Work in separate processes: trainings, searches, and computations in the background.

A run is one training in its own process (`run`, `lifecycle`, `event_log`). `run_board` reads the
status of all runs for everyone who asks, and `queue_limits` limits how many one browser may have.
A trial is a run of a search (`search`, `search_lifecycle`, `search_files`). A job is a computation
whose result goes to the cache (`jobs`). A worker is the process of a run (`worker`). `processes`
starts the processes of runs and jobs, with a fork server if there is one (`fork_client`,
`fork_server`). `failure_reasons` says why one of them died, and `file_cache` rereads small files
only when they change. `upload_removal` deletes an uploaded data set that no run needs.
"""
