"""What Prometheus may read at `/metrics`. Nothing here is labelled by model: a scrape must not tell who answers."""

from prometheus_client import Counter, Gauge, Histogram

BATTLES = Counter("arena_battles", "Battles started.")
VOTES = Counter("arena_votes", "Votes cast, by whether and why not they count.", ["reason"])
RESPONSES = Counter("arena_responses", "Responses finished, by state.", ["state"])
PROBLEMS = Counter("arena_problems", "Requests refused, by slug of the problem.", ["slug"])
TURNS_RUNNING = Gauge("arena_turns_running", "Turns being answered in this process.")
FIRST_TOKEN_SECONDS = Histogram("arena_first_token_seconds", "Time to the first token of a response.")
ANSWER_SECONDS = Histogram(
    "arena_answer_seconds",
    "Time to the last token of a response.",
    buckets=(0.5, 1, 2, 5, 10, 20, 40, 80, 160, 320),
)
REQUEST_SECONDS = Histogram("arena_request_seconds", "Time to the response's start.", ["method", "status"])
FIT_SECONDS = Histogram("arena_fit_seconds", "Time to compute all leaderboards.")
FIT_FAILURES = Counter("arena_fit_failures", "Leaderboard fits that failed; the last good board stays.")
ENDPOINTS = Gauge("arena_endpoints", "Endpoints by breaker state.", ["state"])
MODERATED = Counter("arena_moderated_turns", "Turns looked at for what is unsafe, by finding.", ["finding"])
NOT_COUNTED_ALARM = Gauge(
    "arena_not_counted_alarm",
    "1 while the share of votes that do not count has jumped, else 0; see /integrity.",
)
STALE_BOARDS = Gauge("arena_stale_leaderboards", "1 while computing the leaderboards fails.")
RELEASE_FAILURES = Counter("arena_release_failures", "Releases on schedule that failed; tried again later.")
LATE_RELEASE = Gauge("arena_late_release", "1 while the release that is due fails.")
