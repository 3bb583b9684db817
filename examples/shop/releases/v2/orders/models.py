"""What was ordered, and the traces of the scheduler."""

import uuid

from django.db import models

from catalog.models import Product


class Order(models.Model):
    # Given by the client: the same order sent twice is one order.
    uuid = models.UUIDField(unique=True, default=uuid.uuid4)
    created = models.DateTimeField(auto_now_add=True)
    shipped = models.DateTimeField(null=True)
    # The default is the database's: v1 goes on inserting orders without knowing the column.
    gift_note = models.CharField(max_length=200, db_default="")

    @property
    def total_cents(self):
        return sum(line.price_cents * line.quantity for line in self.lines.all())


class OrderLine(models.Model):
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    product = models.ForeignKey(Product, on_delete=models.PROTECT)
    quantity = models.PositiveIntegerField()
    # The price on the day of the order.
    price_cents = models.PositiveIntegerField()


class Tick(models.Model):
    """One beat of the scheduler: when, by which container, of which release."""

    at = models.DateTimeField(auto_now_add=True)
    scheduler = models.CharField(max_length=64)
    release = models.CharField(max_length=64)
