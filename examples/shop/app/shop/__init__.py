"""The project: settings, URLs and the operational endpoints. The trade is in `catalog` and `orders`."""

from .celery import app as celery_app

__all__ = ("celery_app",)
