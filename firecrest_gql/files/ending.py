"""How the programs of file operations end, however they are ended: what was made beside a target goes away."""

# The end may be asked for several times, by the clock, by the client's silence, and by a pipe that nobody reads; only
# the first is heard, and what tidies up then is deaf to the others.
ENDS = """
deaf() { trap "" TERM HUP INT PIPE; }
trap 'deaf; exit 143' TERM HUP INT PIPE
"""
