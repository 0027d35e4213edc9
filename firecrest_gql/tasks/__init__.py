"""Tasks: everything asynchronous is followed here, outlives our processes, and pushes each change."""
