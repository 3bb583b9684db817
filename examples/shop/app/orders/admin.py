"""The staff's view of the orders."""

from django.contrib import admin

from .models import Order, OrderLine


class OrderLines(admin.TabularInline):
    model = OrderLine
    extra = 0


@admin.register(Order)
class OrderAdmin(admin.ModelAdmin):
    list_display = ["uuid", "created", "shipped"]
    inlines = [OrderLines]
