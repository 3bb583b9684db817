"""What worker and beat do. Every task may run twice and changes nothing the second time."""

from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from .models import Order, Tick

TICKS_KEPT = 500


@shared_task
def ship(order_uuid):
    Order.objects.filter(uuid=order_uuid, shipped=None).update(shipped=timezone.now())


@shared_task
def ship_forgotten():
    """Orders that were written while the broker was away."""
    before = timezone.now() - timedelta(seconds=30)
    Order.objects.filter(shipped=None, created__lt=before).update(shipped=timezone.now())


@shared_task
def tick(scheduler, release):
    newest = Tick.objects.create(scheduler=scheduler, release=release)
    Tick.objects.filter(pk__lte=newest.pk - TICKS_KEPT).delete()
