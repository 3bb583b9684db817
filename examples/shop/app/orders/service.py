"""Placing and describing orders: the one place that pages and API share."""

import logging

from django.db import transaction

from catalog.models import Product

from .models import Order, OrderLine
from .tasks import ship

log = logging.getLogger(__name__)


class Refused(Exception):
    """The order cannot be placed; the message is for the customer."""


def place(order_uuid, quantities, **details):
    """Writes the order once, however often it is sent, and hands it to the worker.

    `quantities` maps a sku to a number. Returns the order and whether it is new.
    """
    if not quantities:
        raise Refused("the order is empty")
    if not all(1 <= quantity <= 99 for quantity in quantities.values()):
        raise Refused("a quantity is between 1 and 99")
    products = Product.objects.in_bulk(quantities, field_name="sku")
    unknown = sorted(set(quantities) - set(products))
    if unknown:
        raise Refused(f"no such product: {', '.join(unknown)}")
    with transaction.atomic():
        order, is_new = Order.objects.get_or_create(uuid=order_uuid, defaults=details)
        if is_new:
            OrderLine.objects.bulk_create(
                OrderLine(
                    order=order,
                    product=products[sku],
                    quantity=quantity,
                    price_cents=products[sku].price_cents,
                )
                for sku, quantity in quantities.items()
            )
    if is_new:
        _hand_over(order)
    return order, is_new


def _hand_over(order):
    try:
        ship.delay(str(order.uuid))
    except Exception:  # the order stands: `ship_forgotten` finds it once the broker is back
        log.exception("order %s: not handed to the worker yet", order.uuid)
