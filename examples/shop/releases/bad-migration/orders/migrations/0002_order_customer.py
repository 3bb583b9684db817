"""Adds a column, then refers to a table that a forgotten migration would have made."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="customer_id",
            field=models.BigIntegerField(null=True),
        ),
        migrations.RunSQL(
            "ALTER TABLE orders_order ADD CONSTRAINT orders_order_customer"
            " FOREIGN KEY (customer_id) REFERENCES orders_customer (id)"
        ),
    ]
