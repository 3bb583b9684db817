"""How the web server runs. gunicorn finds this file in its working directory."""

import os

bind = "0.0.0.0:8000"
worker_class = "gthread"  # threads, so that a slow request does not hold up the others
workers = int(os.environ.get("WEB_WORKERS", "2"))
threads = 8
preload_app = True  # imports once: quicker start, and a broken app fails at once
worker_tmp_dir = "/dev/shm"
keepalive = 75  # longer than nginx keeps an idle connection
graceful_timeout = 25  # on SIGTERM; shorter than stop_grace_period in compose.yaml
timeout = 60
accesslog = None  # nginx writes one
