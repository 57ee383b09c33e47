"""The four events of Segment's story "anonymous site visits lead to profile merge"."""

from typing import Any


def case_study_events() -> list[dict[str, Any]]:
    """A visit, a sign-up, a second anonymous visit weeks later, and a sign-up with the same e-mail address."""
    first, second, email = "5285bc35-05ef-4d21", "b50e18a5-1b8d-451c", {"email": "jane.kim@segment.com"}
    return [
        _event(1, "page", first, "twilio.com", "2022-05-02T14:01:00Z"),
        _event(2, "identify", first, "twilio.com/try-twilio", "2022-05-02T14:01:47Z", email),
        _event(3, "page", second, "twilio.com/education", "2022-06-22T10:47:15Z"),
        _event(4, "identify", second, "twilio.com/events/webinars", "2022-06-22T10:48:00Z", email),
    ]


def _event(
    number: int, kind: str, anonymous_id: str, url: str, at: str, traits: dict[str, str] | None = None
) -> dict[str, Any]:
    call: dict[str, Any] = {"type": kind, "messageId": f"event_{number}", "anonymousId": anonymous_id}
    call |= {"context": {"url": url}, "timestamp": at, "receivedAt": at}
    return call | ({"traits": traits} if traits else {})
