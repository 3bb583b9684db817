"""The pages and the API of the catalog."""

from django.http import JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET

from .models import Product


@require_GET
def product_list(request):
    return render(request, "shop/products.html", {"products": Product.objects.all()})


@require_GET
def product(request, sku):
    return render(request, "shop/product.html", {"product": get_object_or_404(Product, sku=sku)})


@require_GET
def api_products(request):
    fields = ("sku", "name", "price_cents")
    return JsonResponse({"products": list(Product.objects.values(*fields))})
