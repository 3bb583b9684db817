#!/bin/bash
# base-images.sh - build local STAND-IN images from Debian's packages, under the names that the
# examples' compose files use. `cargo xtask setup images` runs it where no image registry answers.
#
#   base-images.sh NAME...         of: debian busybox python postgres redis nginx (default: all)
#   FORCE=1  rebuild     DOCKER_HOST=unix:///...  another engine     MIRROR=URL  a Debian mirror
#
# Idempotent: each stand-in carries the label  standin=<hash of its recipe, parent, CA bundle>; one
# that matches is skipped; an image of that name WITHOUT the label is a real one and never touched.
# The host's CA bundle goes into the images (a private CA may be in it): never ship them.
set -euo pipefail
export DOCKER_BUILDKIT=0                       # buildx is not packaged in bookworm
export DOCKER_CLI_HINTS=false
SUITE=bookworm
MIRROR=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' "Codename: $SUITE" 'Origin: Debian' | head -n1)}
[ -n "$MIRROR" ] || { echo "no Debian $SUITE mirror is configured here: set MIRROR=URL" >&2; exit 1; }
CA=${CA:-/etc/ssl/certs/ca-certificates.crt}   # host bundle: a private CA may be in it
SHM=$([ -d /dev/shm ] && [ "$(df --output=avail -m /dev/shm | tail -1)" -gt 2000 ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")
T=$(mktemp -d "$SHM/standin.XXXXXX"); trap 'rm -rf "$T"' EXIT
CAHASH=$(sha256sum < "$CA" | cut -c1-12)

say()  { printf 'images: %s\n' "$*" >&2; }
hash() { { cat; echo "$CAHASH $MIRROR $SUITE"; } | sha256sum | cut -c1-16; }
# have NAME HASH -> 0 when nothing is to be done
have() {
  local l
  l=$(docker image inspect -f '{{index .Config.Labels "standin"}}' "$1" 2>/dev/null) || return 1
  [ -z "$l" ] && { say "$1: a real image, left alone"; return 0; }
  [ "${FORCE:-}" = 1 ] && return 1
  [ "$l" = "$2" ] && { say "$1: present"; return 0; }
  return 1
}
tags() {                                       # tags SRC ALIAS...: never over a real image
  local src=$1 a l; shift
  for a; do
    l=$(docker image inspect -f '{{index .Config.Labels "standin"}}' "$a" 2>/dev/null || echo new)
    [ -n "$l" ] && docker tag "$src" "$a"
  done
}
# build NAME < Dockerfile, context = $T/ctx-NAME if it is there
build() {
  local name=$1 ctx="$T/ctx" df h s
  mkdir -p "$ctx"; df=$(cat)
  # parent's id goes into the hash so that a changed base rebuilds its children
  h=$( { echo "$df"; docker image inspect -f '{{.Id}}' "$(sed -n 's/^FROM \([^ ]*\).*/\1/p' <<<"$df" | tail -1)" 2>/dev/null || true
         (cd "$ctx"; find . -type f ! -size +5M -print0 | sort -z | xargs -0r sha256sum); } | hash)
  if have "$name" "$h"; then rm -rf "$ctx"; return 0; fi
  printf '%s\nLABEL standin=%s\n' "$df" "$h" > "$ctx/Dockerfile"
  s=$(date +%s.%N)
  docker build -q --network host --force-rm -t "$name" "$ctx" > "$T/out" 2> "$T/log" || { cat "$T/log" "$T/out" >&2; return 1; }
  rm -rf "$ctx"
  say "$name: built in $(echo "$(date +%s.%N) $s" | awk '{printf "%.1f",$1-$2}') s, $(docker image inspect -f '{{.Size}}' "$name" | awk '{printf "%.0f",$1/1e6}') MB"
}
ctx() { mkdir -p "$T/ctx/$(dirname "$1")"; cat > "$T/ctx/$1"; chmod "${2:-755}" "$T/ctx/$1"; }

need() { command -v "$1" >/dev/null || { say "installing $2"; apt-get install -qy --no-install-recommends "$2" >/dev/null 2>&1; }; }

# ---------------------------------------------------------------- base (one layer)
bootstrap() {                                  # bootstrap SUITE IMAGE ALIAS...
  local suite=$1 img=$2; shift 2
  local h; h=$(declare -f bootstrap | hash)
  if ! have "$img" "$h"; then
    need mmdebstrap mmdebstrap
    local s; s=$(date +%s.%N)
    TMPDIR=$SHM mmdebstrap --quiet --variant=minbase --components=main \
      --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
      --include=ca-certificates \
      --dpkgopt=force-unsafe-io \
      --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
      --dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/locale/*' \
      --aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "false"' \
      --aptopt='Acquire::GzipIndexes "true"' \
      --customize-hook='rm -f "$1/etc/resolv.conf" "$1/etc/hostname"' \
      --customize-hook='printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"; chmod 755 "$1/usr/sbin/policy-rc.d"' \
      --customize-hook='printf "[global]\ncert = /etc/ssl/certs/ca-certificates.crt\ndisable-pip-version-check = true\nroot-user-action = ignore\n" > "$1/etc/pip.conf"' \
      --customize-hook="cp '$CA' \"\$1/etc/ssl/certs/ca-certificates.crt\"" \
      --customize-hook='rm -rf "$1"/var/log/*.log "$1"/var/log/apt/*' \
      "$suite" "$T/$suite.tar" "$MIRROR" > "$T/log" 2>&1 || { cat "$T/log" >&2; return 1; }
    docker import --change 'CMD ["bash"]' --change "LABEL standin=$h" \
      --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
      --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt' \
      "$T/$suite.tar" "$img" > /dev/null
    rm -f "$T/$suite.tar"
    say "$img: built in $(echo "$(date +%s.%N) $s" | awk '{printf "%.1f",$1-$2}') s, $(docker image inspect -f '{{.Size}}' "$img" | awk '{printf "%.0f",$1/1e6}') MB"
  fi
  tags "$img" "$@"
}
do_debian() { bootstrap "$SUITE" debian:bookworm-slim debian:bookworm debian:12; }

# ---------------------------------------------------------------- busybox / alpine (no apk!)
# Debian 12's busybox (1.35) segfaults on `wget -T N`, which health checks use: a wrapper takes -T away
bb_wget() { ctx wget <<'SH'
#!/bin/sh
t= n=$#
while [ $n -gt 0 ]; do
  a=$1; shift; n=$((n-1))
  case $a in
    -T|--timeout) t=$1; shift; n=$((n-1)) ;;
    -T*) t=${a#-T} ;; --timeout=*) t=${a#*=} ;; --tries=*|-t?*) ;; -t|--tries) shift; n=$((n-1)) ;;
    --no-verbose|-nv|--no-check-certificate) ;;
    *) set -- "$@" "$a" ;;
  esac
done
exec ${t:+timeout $t} busybox wget "$@"
SH
}
do_busybox() {
  bb_wget
  build busybox:latest <<'D'
FROM debian:bookworm-slim AS b
RUN apt-get update -q && apt-get install -qy --no-install-recommends busybox && mkdir -p /o/bin /o/etc /o/tmp /o/root /o/home /o/var/www /o/usr/bin /o/usr/sbin /o/lib64 \
 && chmod 1777 /o/tmp && cp /bin/busybox /o/bin/ && for l in $(ldd /bin/busybox | grep -o '/[^ ]*'); do mkdir -p /o$(dirname $l) && cp -L $l /o$l; done \
 && for a in $(busybox --list); do [ $a = busybox ] || [ $a = wget ] || ln -s busybox /o/bin/$a; done && ln -s ../../bin/env /o/usr/bin/env \
 && printf 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\nwww-data:x:33:33::/var/www:/bin/false\n' > /o/etc/passwd \
 && printf 'root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\n' > /o/etc/group && echo 'hosts: files dns' > /o/etc/nsswitch.conf
FROM scratch
COPY --from=b /o /
COPY wget /bin/wget
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
CMD ["sh"]
D
  tags busybox:latest busybox:1
}

# ---------------------------------------------------------------- python:3.11-slim
# A venv AT /usr/local gives the official paths: /usr/local/bin/{python,python3,pip},
# /usr/local/lib/python3.11/site-packages, and no EXTERNALLY-MANAGED refusal.  `uv pip install --system`
# skips venvs and installs for /usr/bin/python3, that is into .../dist-packages: hence the link.
do_python() { python_on debian:bookworm-slim python:3.11-slim 3.11; tags python:3.11-slim python:3.11 python:3.11-slim-bookworm; }
python_on() {
  build "$2" <<D
FROM $1
ENV LANG=C.UTF-8 PYTHON_VERSION=$3
RUN apt-get update -q && apt-get install -qy --no-install-recommends python$3-venv netbase tzdata \\
 && python$3 -m venv /usr/local \\
 && ln -sf python3 /usr/local/bin/python \\
 && rm -f /usr/lib/python$3/EXTERNALLY-MANAGED && rm -rf /usr/local/lib/python$3/dist-packages \\
 && ln -s site-packages /usr/local/lib/python$3/dist-packages \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt /root/.cache \\
 && find / -xdev -name __pycache__ -type d -prune -exec rm -rf {} +
CMD ["python3"]
D
}

# ---------------------------------------------------------------- postgres
do_postgres() { pg_on debian:bookworm-slim 15; tags postgres:15 postgres:15-bookworm postgres:15-alpine; }
pg_on() {
  local base=$1 v=$2
  ctx docker-entrypoint.sh < <(pg_entrypoint)
  build postgres:$v <<D
FROM $base
ENV LANG=C.UTF-8 PG_MAJOR=$v PATH=/usr/lib/postgresql/$v/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin PGDATA=/var/lib/postgresql/data
COPY docker-entrypoint.sh /usr/local/bin/
# The server package depends on postgresql-common, perl, locales and LLVM (for JIT only), 250 MB that
# a container never uses: take the .debs of the server and of its shared libraries, not the rest.
RUN groupadd -r -g 999 postgres && useradd -r -g 999 -u 999 -d /var/lib/postgresql -s /bin/bash postgres \\
 && apt-get update -q \\
 && apt-get install -qy --no-install-recommends gosu xz-utils zstd \\
    \$(apt-cache depends postgresql-$v postgresql-client-$v | awk '/^  Depends: lib/ && !/llvm/ {print \$2}' | sort -u) \\
 && cd /tmp && apt-get download -q postgresql-$v postgresql-client-$v \\
 && for d in *.deb; do dpkg -x \$d /; done && rm -f *.deb \\
 && rm -rf /usr/lib/postgresql/$v/lib/llvmjit* /usr/lib/postgresql/$v/lib/bitcode /usr/share/postgresql/$v/man /usr/share/locale /usr/share/doc/postgresql* \\
 && sed -ri "s/^#?(listen_addresses)\\s*=.*/\\1 = '*'/" /usr/share/postgresql/$v/postgresql.conf.sample \\
 && mkdir -p /docker-entrypoint-initdb.d /var/run/postgresql /var/lib/postgresql/data \\
 && chown -R postgres:postgres /var/lib/postgresql /var/run/postgresql && chmod 2777 /var/run/postgresql && chmod 1777 /var/lib/postgresql/data \\
 && ldd /usr/lib/postgresql/$v/bin/postgres | (! grep 'not found') && postgres --version \\
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt
VOLUME /var/lib/postgresql/data
ENTRYPOINT ["docker-entrypoint.sh"]
STOPSIGNAL SIGINT
EXPOSE 5432
CMD ["postgres"]
D
}
pg_entrypoint() { cat <<'SH'
#!/bin/bash
# Stand-in for the official postgres entrypoint: the same variables, messages and order of events.
set -Eeo pipefail
file_env() {
  local var=$1 f=${1}_FILE def=${2:-}
  if [ "${!var:-}" ] && [ "${!f:-}" ]; then echo >&2 "error: both $var and $f are set (but are exclusive)"; exit 1; fi
  local val=$def
  if [ "${!var:-}" ]; then val=${!var}; elif [ "${!f:-}" ]; then val=$(< "${!f}"); fi
  export "$var"="$val"; unset "$f"
}
run_sql() { PGHOST= PGHOSTADDR= psql -v ON_ERROR_STOP=1 --username "$POSTGRES_USER" --no-password --no-psqlrc ${POSTGRES_DB:+--dbname "$POSTGRES_DB"} "$@"; }
init_files() {
  local f
  for f; do
    case $f in
      *.sh) if [ -x "$f" ]; then printf '%s: running %s\n' "$0" "$f"; "$f"; else printf '%s: sourcing %s\n' "$0" "$f"; . "$f"; fi ;;
      *.sql) printf '%s: running %s\n' "$0" "$f"; run_sql -f "$f"; echo ;;
      *.sql.gz) printf '%s: running %s\n' "$0" "$f"; gunzip -c "$f" | run_sql; echo ;;
      *.sql.xz) printf '%s: running %s\n' "$0" "$f"; xzcat "$f" | run_sql; echo ;;
      *.sql.zst) printf '%s: running %s\n' "$0" "$f"; zstd -dc "$f" | run_sql; echo ;;
      *) printf '%s: ignoring %s\n' "$0" "$f" ;;
    esac
  done
}
[ "${1:0:1}" = - ] && set -- postgres "$@"
if [ "$1" = postgres ]; then
  for a; do case $a in -'?'|--help|-V|--version|--describe-config|-C|-C*) exec "$@";; esac; done
  mkdir -p "$PGDATA"; chmod 00700 "$PGDATA" || :
  mkdir -p /var/run/postgresql || :; chmod 03775 /var/run/postgresql || :
  if [ "$(id -u)" = 0 ]; then
    find "$PGDATA" \! -user postgres -exec chown postgres '{}' +
    find /var/run/postgresql \! -user postgres -exec chown postgres '{}' +
    exec gosu postgres "$BASH_SOURCE" "$@"
  fi
  file_env POSTGRES_PASSWORD; file_env POSTGRES_USER postgres; file_env POSTGRES_DB "$POSTGRES_USER"; file_env POSTGRES_INITDB_ARGS
  : "${POSTGRES_HOST_AUTH_METHOD:=}"
  if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
      cat >&2 <<'E'
Error: Database is uninitialized and superuser password is not specified.
       You must specify POSTGRES_PASSWORD to a non-empty value for the
       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".
E
      exit 1
    fi
    ls /docker-entrypoint-initdb.d/ > /dev/null
    [ -n "${POSTGRES_INITDB_WALDIR:-}" ] && set_wal="--waldir $POSTGRES_INITDB_WALDIR"
    eval 'initdb --username="$POSTGRES_USER" --pwfile=<(printf "%s\n" "$POSTGRES_PASSWORD") '"${set_wal:-} $POSTGRES_INITDB_ARGS"
    auth=$(postgres -C password_encryption "${@:2}")
    : "${POSTGRES_HOST_AUTH_METHOD:=$auth}"
    printf '\nhost all all all %s\n' "$POSTGRES_HOST_AUTH_METHOD" >> "$PGDATA/pg_hba.conf"
    export PGPASSWORD=${PGPASSWORD:-$POSTGRES_PASSWORD}
    # a temporary server on the unix socket only: pg_isready inside the container already says yes here,
    # as it does in the official image
    NOTIFY_SOCKET= PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p ${PGPORT:-5432} $([ $# -lt 2 ] || printf '%q ' "${@:2}")" -w start
    if [ "$POSTGRES_DB" != postgres ] && [ -z "$(POSTGRES_DB= run_sql --dbname postgres --set db="$POSTGRES_DB" --tuples-only <<<"SELECT 1 FROM pg_database WHERE datname = :'db' ;")" ]; then
      POSTGRES_DB= run_sql --dbname postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db" ;'
    fi
    init_files /docker-entrypoint-initdb.d/*
    PGUSER="${PGUSER:-$POSTGRES_USER}" pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
  else
    printf '\nPostgreSQL Database directory appears to contain a database; Skipping initialization\n\n'
  fi
fi
exec "$@"
SH
}

# ---------------------------------------------------------------- redis:7
do_redis() {
  ctx docker-entrypoint.sh <<'SH'
#!/bin/sh
set -e
if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then set -- redis-server "$@"; fi
if [ "$1" = redis-server ]; then
  if [ "$(id -u)" = 0 ]; then
    find . \! -user redis -exec chown redis '{}' + 2>/dev/null || :
    exec setpriv --reuid=redis --regid=redis --clear-groups -- "$0" "$@"
  fi
  # the official build has protected mode off by default
  case "$*" in *protected-mode*) ;; *) grep -qs '^ *protected-mode' "${2:-}" || set -- "$@" --protected-mode no;; esac
  [ "$(umask)" = 0022 ] && umask 0077
fi
exec "$@"
SH
  build redis:7 <<'D'
FROM debian:bookworm-slim
COPY docker-entrypoint.sh /usr/local/bin/
RUN groupadd -r -g 999 redis && useradd -r -g redis -u 999 redis \
 && apt-get update -q && apt-get install -qy --no-install-recommends redis-server \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt /etc/redis \
 && mkdir -p /data && chown redis:redis /data
VOLUME /data
WORKDIR /data
ENTRYPOINT ["docker-entrypoint.sh"]
EXPOSE 6379
CMD ["redis-server"]
D
  tags redis:7 redis:7-alpine redis:7-bookworm
}

# ---------------------------------------------------------------- nginx
do_nginx() {
  ctx nginx.conf 644 <<'C'
user  nginx;
worker_processes  auto;
error_log  /var/log/nginx/error.log notice;
pid        /run/nginx.pid;
events { worker_connections  1024; }
http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    log_format  main  '$remote_addr - $remote_user [$time_local] "$request" '
                      '$status $body_bytes_sent "$http_referer" '
                      '"$http_user_agent" "$http_x_forwarded_for"';
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}
C
  ctx default.conf 644 <<'C'
server {
    listen       80;
    server_name  localhost;
    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }
    error_page   500 502 503 504  /50x.html;
    location = /50x.html { root   /usr/share/nginx/html; }
}
C
  ctx docker-entrypoint.sh <<'SH'
#!/bin/sh
set -e
log() { [ -z "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] && echo "$@" || :; }
if [ "$1" = nginx ] || [ "$1" = nginx-debug ]; then
  if find /docker-entrypoint.d/ -mindepth 1 -maxdepth 1 -type f -print -quit 2>/dev/null | read v; then
    log "$0: /docker-entrypoint.d/ is not empty, will attempt to perform configuration"
    find /docker-entrypoint.d/ -follow -type f -print | sort -V > /tmp/.ep.$$
    while read -r f; do
      case $f in
        *.envsh) [ -x "$f" ] && { log "$0: Sourcing $f"; . "$f"; } || log "$0: Ignoring $f, not executable" ;;
        *.sh) [ -x "$f" ] && { log "$0: Launching $f"; "$f"; } || log "$0: Ignoring $f, not executable" ;;
        *) log "$0: Ignoring $f" ;;
      esac
    done < /tmp/.ep.$$
    rm -f /tmp/.ep.$$
    log "$0: Configuration complete; ready for start up"
  fi
fi
exec "$@"
SH
  ctx docker-entrypoint.d/15-local-resolvers.envsh <<'SH'
#!/bin/sh
[ "${NGINX_ENTRYPOINT_LOCAL_RESOLVERS:-}" ] || return 0
NGINX_LOCAL_RESOLVERS=$(awk '/^nameserver/{print $2}' /etc/resolv.conf | tr '\n' ' '); export NGINX_LOCAL_RESOLVERS
SH
  ctx docker-entrypoint.d/20-envsubst-on-templates.sh <<'SH'
#!/bin/sh
set -e
t=${NGINX_ENVSUBST_TEMPLATE_DIR:-/etc/nginx/templates} s=${NGINX_ENVSUBST_TEMPLATE_SUFFIX:-.template} o=${NGINX_ENVSUBST_OUTPUT_DIR:-/etc/nginx/conf.d} flt=${NGINX_ENVSUBST_FILTER:-}
[ -d "$t" ] || exit 0
vars=$(printf '${%s} ' $(env | awk -F= '$1 ~ /^[A-Za-z_][A-Za-z0-9_]*$/ && $1 ~ /'"$flt"'/ {print $1}'))
find "$t" -follow -type f -name "*$s" -print | while read -r f; do
  r=${f#$t/}; out=$o/${r%$s}; mkdir -p "$(dirname "$out")"
  echo "$0: Running envsubst on $f to $out"
  envsubst "$vars" < "$f" > "$out"
done
SH
  build nginx:1.22 <<'D'
FROM debian:bookworm-slim
ENV NGINX_VERSION=1.22.1
RUN groupadd -r -g 101 nginx && useradd -r -g nginx -u 101 -d /nonexistent -s /bin/false nginx \
 && apt-get update -q && apt-get install -qy --no-install-recommends nginx gettext-base curl \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /var/log/apt /etc/nginx/sites-* /etc/nginx/conf.d /etc/nginx/modules-enabled \
 && mkdir -p /etc/nginx/conf.d /docker-entrypoint.d /var/cache/nginx /usr/share/nginx/html && chown nginx /var/cache/nginx \
 && rm -rf /usr/share/nginx/html/* /usr/share/nginx/modules* \
 && printf '<!DOCTYPE html><html><head><title>Welcome to nginx!</title></head><body><h1>Welcome to nginx!</h1></body></html>\n' > /usr/share/nginx/html/index.html \
 && cp /usr/share/nginx/html/index.html /usr/share/nginx/html/50x.html \
 && ln -sf /dev/stdout /var/log/nginx/access.log && ln -sf /dev/stderr /var/log/nginx/error.log
COPY docker-entrypoint.sh /
COPY docker-entrypoint.d /docker-entrypoint.d
COPY nginx.conf /etc/nginx/nginx.conf
COPY default.conf /etc/nginx/conf.d/default.conf
ENTRYPOINT ["/docker-entrypoint.sh"]
EXPOSE 80
STOPSIGNAL SIGQUIT
CMD ["nginx", "-g", "daemon off;"]
D
  # the alpine tags: compose health checks there call busybox wget / nc
  docker image inspect busybox:latest >/dev/null 2>&1 || do_busybox
  bb_wget
  build nginx:1.22-alpine <<'D'
FROM nginx:1.22
COPY wget /bin/wget
COPY --from=busybox:latest /bin/busybox /bin/busybox
RUN for a in $(busybox --list); do command -v $a >/dev/null || ln -s /bin/busybox /bin/$a; done
D
}

[ $# -gt 0 ] || set -- busybox debian python postgres redis nginx
base_done=
for w; do
  [ "$base_done" ] || { do_debian; base_done=1; }
  [ "$w" = debian ] || do_$w
done
