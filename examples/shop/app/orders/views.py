"""Cart and checkout. The cart is `{sku: quantity}` in the session."""

import uuid

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from catalog.models import Product

from . import fields, service
from .models import Order


@require_GET
def cart(request):
    quantities = request.session.get("cart", {})
    products = Product.objects.in_bulk(quantities, field_name="sku")
    lines = [(products[sku], quantity) for sku, quantity in quantities.items() if sku in products]
    # The order's uuid is fixed before the form is sent: a double click orders once.
    return render(request, "shop/cart.html", {"lines": lines, "order_uuid": uuid.uuid4()})


@require_POST
def add_to_cart(request):
    product = get_object_or_404(Product, sku=request.POST.get("sku"))
    quantity = request.POST.get("quantity", "")
    quantity = int(quantity) if quantity.isdecimal() else 1
    quantities = request.session.get("cart", {})
    quantities[product.sku] = min(max(quantities.get(product.sku, 0) + quantity, 1), 99)
    request.session["cart"] = quantities
    messages.success(request, f"{product.name} is in your cart.")
    return redirect("cart")


@require_POST
def checkout(request):
    try:
        order_uuid = uuid.UUID(request.POST.get("uuid", ""))
        service.place(order_uuid, request.session.get("cart", {}), **fields.details(request.POST))
    except (ValueError, service.Refused) as refusal:
        messages.error(request, str(refusal))
        return redirect("cart")
    request.session["cart"] = {}
    return redirect("order", order_uuid=order_uuid)


@require_GET
def order(request, order_uuid):
    found = get_object_or_404(Order, uuid=order_uuid)
    return render(request, "shop/order.html", {"order": fields.describe(found)})
