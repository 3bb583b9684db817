"""Every response says which release made it."""

from django.conf import settings


def release_header(get_response):
    def middleware(request):
        response = get_response(request)
        response["X-Release"] = settings.RELEASE
        return response

    return middleware
