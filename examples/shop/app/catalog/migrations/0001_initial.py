from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Product",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sku", models.SlugField(unique=True)),
                ("name", models.CharField(max_length=120)),
                ("description", models.TextField()),
                ("price_cents", models.PositiveIntegerField()),
            ],
            options={"ordering": ["name"]},
        ),
    ]
