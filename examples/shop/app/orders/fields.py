"""What of an order comes in and goes out besides its lines: the part that changes with releases."""


def details(source):
    """The order's own fields in a form or a JSON body."""
    return {}


def describe(order):
    """The order as the API shows it."""
    return {
        "uuid": str(order.uuid),
        "total_cents": order.total_cents,
        "shipped": order.shipped is not None,
        "items": [
            {"sku": line.product.sku, "quantity": line.quantity, "price_cents": line.price_cents}
            for line in order.lines.select_related("product")
        ],
    }
