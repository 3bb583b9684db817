"""All addresses of the shop."""

from django.contrib import admin
from django.urls import path

from catalog import views as catalog
from orders import api as orders_api
from orders import views as orders

from . import operations

urlpatterns = [
    path("", catalog.product_list, name="products"),
    path("products/<slug:sku>/", catalog.product, name="product"),
    path("cart/", orders.cart, name="cart"),
    path("cart/add/", orders.add_to_cart, name="add-to-cart"),
    path("checkout/", orders.checkout, name="checkout"),
    path("orders/<uuid:order_uuid>/", orders.order, name="order"),
    path("api/products", catalog.api_products),
    path("api/orders", orders_api.create),
    path("api/orders/<uuid:order_uuid>", orders_api.read),
    path("api/ticks", orders_api.ticks),
    path("healthz", operations.healthz),
    path("version", operations.version),
    path("slow", operations.slow),
    path("upload", operations.upload),
    path("admin/", admin.site.urls),
]
