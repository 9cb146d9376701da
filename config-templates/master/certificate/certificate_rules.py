"""When a Master asks the certificate authority, as pure functions: times in seconds, nothing is read or sent."""

# A name that does not answer yet is no reason to ask the authority, which counts failures (5 an hour for a name).
# Only after this long it is asked anyway: our own look at our names may be wrong.
ASK_ANYWAY_SECONDS = 600
# How much longer each further Master waits for the first certificate, once all names answer: lego takes 5 s a name.
FIRST_STAGGER_SECONDS = 180
FIRST_RETRY_SECONDS = 300
LONGEST_RETRY_SECONDS = 6 * 3600


def renewal_share(rank: int) -> float:
    """Of a certificate's life, the share left at which a Master renews it: the preferred one at a third, b at a
    quarter, so that b acts only when a did not."""
    return max(1 / 10, 1 / 3 - rank / 12)


def retry_after(failures: int) -> float:
    """How long to wait after so many failures in a row."""
    return min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(failures - 1, 10))


def need(now: float, names: list[str], rank: int, held: dict | None) -> str | None:
    """What this Master needs: None, "age", or "first" when there is none for all of the names.

    held: { names, notBefore, notAfter } of the best valid certificate that any Master has, or None
    """
    if held is None or now >= held["notAfter"] or not set(names) <= set(held["names"]):
        return "first"
    left = (held["notAfter"] - now) / (held["notAfter"] - held["notBefore"])
    return "age" if left < renewal_share(rank) else None


def verdict(now: float, rank: int, wanted: str | None, state: dict) -> tuple[bool, str]:
    """Whether to ask the authority now: (True or False, why).

    wanted: what need() says
    state: { wantedSince, answeredSince, retryAt, failedUnanswered }; times, or None. `answeredSince` is since when all
        names lead to our challenges; `failedUnanswered`, whether the last failure was without that.
    """
    if wanted is None:
        return False, "the certificate is good"
    answered = state.get("answeredSince")
    retry_at = state.get("retryAt")
    if retry_at is not None and now < retry_at and not (state.get("failedUnanswered") and answered is not None):
        return False, "the last attempt failed"
    if wanted == "age":
        return True, "it is old"
    if answered is not None:
        if now - answered >= rank * FIRST_STAGGER_SECONDS:
            return True, "all names lead here"
        return False, "another Master is given the time to ask first"
    if now - state["wantedSince"] >= ASK_ANYWAY_SECONDS * (1 + rank / 2):
        return True, "names do not lead here as far as can be seen, but it has been long"
    return False, "not all names lead here yet"
