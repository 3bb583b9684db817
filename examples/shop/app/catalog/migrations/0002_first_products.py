"""The goods of the opening day: 6 kinds in 4 finishes."""

from django.db import migrations

KINDS = [
    ("anchor", "Anchor", "Holds where the ground is soft.", 8900),
    ("barometer", "Barometer", "Knows about tomorrow.", 14900),
    ("compass", "Compass", "Points north, with conviction.", 5900),
    ("lantern", "Lantern", "A steady light for narrow channels.", 3900),
    ("logbook", "Logbook", "Two hundred pages that forget nothing.", 1900),
    ("sextant", "Sextant", "For noon and for stars.", 24900),
]
FINISHES = ["brass", "copper", "steel", "walnut"]


def add_products(apps, schema_editor):
    product = apps.get_model("catalog", "Product")
    product.objects.bulk_create(
        product(
            sku=f"{sku}-{finish}",
            name=f"{name}, {finish}",
            description=description,
            price_cents=price + 250 * step,
        )
        for sku, name, description, price in KINDS
        for step, finish in enumerate(FINISHES)
    )


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_initial")]

    operations = [migrations.RunPython(add_products, migrations.RunPython.noop)]
