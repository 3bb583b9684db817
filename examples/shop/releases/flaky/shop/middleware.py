"""Every response says which release made it; this one only seems to be ready.

The first FLAKY_READY_ANSWERS answers of /healthz are good, everything else is a 503. The count is
the size of a file, since the answers come from several processes.
"""

import os

from django.conf import settings
from django.http import JsonResponse

READY_ANSWERS = int(os.environ.get("FLAKY_READY_ANSWERS", "2"))
COUNT = "/tmp/ready-answers"


def release_header(get_response):
    def middleware(request):
        if request.path == "/healthz" and _answers_so_far() < READY_ANSWERS:
            response = get_response(request)
        else:
            response = JsonResponse({"error": "connection pool exhausted"}, status=503)
        response["X-Release"] = settings.RELEASE
        return response

    return middleware


def _answers_so_far():
    """How many were given before this one; appending is atomic."""
    with open(COUNT, "ab", buffering=0) as count:
        count.write(b".")
        return count.tell() - 1
