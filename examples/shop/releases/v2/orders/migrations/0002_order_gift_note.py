"""Additive: the release before this one keeps working on the migrated database."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0001_initial")]

    operations = [
        migrations.AddField(
            model_name="order",
            name="gift_note",
            field=models.CharField(max_length=200, db_default=""),
        ),
    ]
