"""What gunicorn would serve, if it came up."""

raise RuntimeError("PAYMENT_PROVIDER_KEY is not set: refusing to start")
