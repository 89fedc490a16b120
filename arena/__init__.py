"""An open chatbot arena.

People chat with two anonymous language models side by side, vote, and see who answered. The domain is a
dozen nouns, one file each: `battles`, `votes`, `voters`, `streams`, `catalog`, `leaderboards`, `dataset`.
`web/` turns HTTP into calls to them, `gateway/` talks to model servers, `tables` holds what is stored, and
the package `ratings` beside this one does the numbers and knows nothing of the service.
"""

__version__ = "0.1.0"
