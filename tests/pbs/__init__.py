"""PBS without PBS: its programs as executables that keep a queue in a folder, run jobs, and print what PBS prints.

The shapes are those of tests/recordings/pbs. There is no daemon: each program lets jobs begin that may. What is copied
to where the executables are needs Python alone.
"""
