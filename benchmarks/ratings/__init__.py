"""`ratings` beside arena-rank, evalica, choix, leaderbot and FastChat, on the same votes in one run.

Every contestant, ours too, is a process of its own with the same Arrow file of votes in memory. It is asked for
one timed round at a time, ours and the peer's in turns. A referee of our own says how far each answer lies from
the exact one, because a fast wrong answer is none.
"""
