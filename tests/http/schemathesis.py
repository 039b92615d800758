"""Sends bodies that schemathesis does not know of as the text that they are."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "text/csv")
def text(_, value):
    return value if isinstance(value, bytes) else str(value).encode()
