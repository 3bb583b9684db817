"""Every response says which release made it; this one never becomes ready."""

from django.conf import settings
from django.http import JsonResponse


def release_header(get_response):
    def middleware(request):
        if request.path == "/healthz":
            response = JsonResponse({"error": "search index: 0 of 24 loaded"}, status=503)
        else:
            response = get_response(request)
        response["X-Release"] = settings.RELEASE
        return response

    return middleware
