"""Orders as JSON.

POST /api/orders  {"uuid": "…", "items": [{"sku": "…", "quantity": 1}]}
  201 a new order · 200 the same order was there · 400 refused, with the reason
GET /api/orders/<uuid>  200 or 404
GET /api/ticks          the newest beats of the scheduler
"""

import json
import uuid

from django.http import JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from . import fields, service
from .models import Order, Tick


@csrf_exempt
@require_POST
def create(request):
    try:
        wanted = json.loads(request.body)
        order_uuid = uuid.UUID(wanted["uuid"])
        quantities = {item["sku"]: int(item["quantity"]) for item in wanted["items"]}
        details = fields.details(wanted)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return JsonResponse({"error": f"not an order: {error}"}, status=400)
    try:
        order, is_new = service.place(order_uuid, quantities, **details)
    except service.Refused as refusal:
        return JsonResponse({"error": str(refusal)}, status=400)
    return JsonResponse(fields.describe(order), status=201 if is_new else 200)


@require_GET
def read(request, order_uuid):
    return JsonResponse(fields.describe(get_object_or_404(Order, uuid=order_uuid)))


@require_GET
def ticks(request):
    newest = Tick.objects.order_by("-pk")[:50]
    return JsonResponse(
        {"ticks": [{"at": t.at, "scheduler": t.scheduler, "release": t.release} for t in newest]}
    )
