"""Endpoints for those who run the shop: health, version, and two that load tests like."""

import hashlib
import time

from django.conf import settings
from django.core.cache import cache
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.http import HttpResponseBadRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

SLOW_MAX_MS = 30_000


@require_GET
def healthz(request):
    """Ready means that the database and Redis answer; a failure becomes a 500 with its reason logged."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    cache.get("healthz")
    return JsonResponse({"ok": True})


@require_GET
def version(request):
    return JsonResponse({"release": settings.RELEASE})


@require_GET
def slow(request):
    """Answers after ?ms= milliseconds: a report, an export, a slow third party."""
    try:
        ms = int(request.GET.get("ms", "300"))
    except ValueError:
        return HttpResponseBadRequest("ms must be a number\n")
    time.sleep(min(max(ms, 0), SLOW_MAX_MS) / 1000)
    return JsonResponse({"slept_ms": ms, "release": settings.RELEASE})


@csrf_exempt
@require_POST
def upload(request):
    """Keeps the body under its own hash, so that sending it twice keeps it once."""
    body = request.body
    digest = hashlib.sha256(body).hexdigest()
    name = f"uploads/{digest}"
    if not default_storage.exists(name):
        default_storage.save(name, ContentFile(body))
    return JsonResponse({"sha256": digest, "bytes": len(body)}, status=201)
