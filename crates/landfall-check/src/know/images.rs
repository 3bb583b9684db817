//! Well-known images: what they are, where they keep data, which tools they lack.

use crate::facts::Image;

/// What an image is known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    Postgres,
    Mysql,
    Mongo,
    Redis,
    Memcached,
    Rabbit,
    /// Another database or index that is not made for the open network.
    Store,
    /// nginx, Caddy, Traefik and the like.
    Proxy,
    /// None of the known ones.
    App,
}

impl Family {
    /// It keeps data that others rely on.
    pub(crate) fn is_database(self) -> bool {
        matches!(self, Self::Postgres | Self::Mysql | Self::Mongo | Self::Store)
    }

    /// A database, cache or queue: nothing that strangers should reach.
    pub(crate) fn is_backend(self) -> bool {
        self.is_database() || matches!(self, Self::Redis | Self::Memcached | Self::Rabbit)
    }

    pub(crate) fn described(self) -> &'static str {
        match self {
            Self::Redis | Self::Memcached => "a cache",
            Self::Rabbit => "a queue",
            Self::Proxy => "a proxy",
            Self::App => "an app",
            Self::Postgres | Self::Mysql | Self::Mongo | Self::Store => "a database",
        }
    }
}

const FAMILIES: &[(Family, &[&str])] = &[
    (
        Family::Postgres,
        &[
            "pgvector",
            "pgvecto-rs",
            "postgis",
            "postgres",
            "postgresql",
            "timescaledb",
            "timescaledb-ha",
        ],
    ),
    (Family::Mysql, &["mariadb", "mysql", "mysql-server", "percona", "percona-server"]),
    (Family::Mongo, &["mongo", "mongodb", "mongodb-community-server"]),
    (Family::Redis, &["dragonfly", "keydb", "redis", "redis-stack-server", "valkey"]),
    (Family::Memcached, &["memcached"]),
    (Family::Rabbit, &["rabbitmq"]),
    (
        Family::Store,
        &[
            "arangodb",
            "cassandra",
            "clickhouse",
            "clickhouse-server",
            "cockroach",
            "couchdb",
            "elasticsearch",
            "etcd",
            "influxdb",
            "neo4j",
            "opensearch",
            "qdrant",
            "rethinkdb",
            "scylla",
            "solr",
            "surrealdb",
        ],
    ),
    (
        Family::Proxy,
        &[
            "caddy",
            "envoy",
            "haproxy",
            "httpd",
            "nginx",
            "nginx-proxy",
            "nginx-unprivileged",
            "openresty",
            "traefik",
        ],
    ),
];

/// What an image is, by the last part of its name.
pub(crate) fn family(image: &Image<'_>) -> Family {
    if image.repository.contains("mssql/server") {
        return Family::Store;
    }
    let found = FAMILIES.iter().find(|(_, names)| image.is_one_of(names));
    found.map_or(Family::App, |(family, _)| *family)
}

/// Where databases of a family keep their data.
pub(crate) fn data_dir(family: Family) -> Option<&'static [&'static str]> {
    match family {
        Family::Postgres => Some(&["/var/lib/postgresql", "/bitnami/postgresql", "/home/postgres"]),
        Family::Mysql => Some(&["/var/lib/mysql", "/bitnami/mysql", "/bitnami/mariadb"]),
        Family::Mongo => Some(&["/data/db", "/bitnami/mongodb"]),
        Family::Redis => Some(&["/data", "/bitnami/redis", "/bitnami/valkey"]),
        Family::Rabbit => Some(&["/var/lib/rabbitmq", "/bitnami/rabbitmq"]),
        Family::Memcached | Family::Store | Family::Proxy | Family::App => None,
    }
}

/// Whether an image surely lacks a tool. Packages that a Dockerfile adds are not known here.
pub(crate) fn lacks_tool(image: &Image<'_>, tool: &str) -> bool {
    const DEBIAN_BARE: &[&str] = &["debian", "postgres", "redis", "ubuntu", "valkey"];
    const SLIM: &[&str] = &["dotnet", "golang", "node", "openjdk", "php", "python", "ruby", "rust"];
    const ALPINE_BUILT: &[&str] = &["alpine", "caddy", "traefik"];
    let is_web_tool = matches!(tool, "curl" | "wget");
    if image.last == "scratch" || image.repository.contains("gcr.io/distroless/") {
        let has_it = image.repository.contains("python") && tool.starts_with("python")
            || image.repository.contains("nodejs") && tool == "node"
            || image.repository.contains("java") && tool == "java";
        // A program by its path may have been copied there.
        return !tool.starts_with(['/', '.']) && !has_it;
    }
    if !is_web_tool {
        return false;
    }
    let is_official = !image.repository.contains('/') || image.repository.starts_with("library/");
    if !is_official {
        return false;
    }
    if image.last == "busybox" || image.is_one_of(ALPINE_BUILT) || image.mentions("alpine") {
        // nginx and php come with curl on Alpine as well.
        return tool == "curl" && !image.is_one_of(&["nginx", "php"]);
    }
    let is_slim = image.mentions("slim") && image.is_one_of(SLIM) && image.last != "php";
    let nginx_without_wget = image.last == "nginx" && tool == "wget";
    is_slim || image.is_one_of(DEBIAN_BARE) || nginx_without_wget
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_the_last_part_of_their_name() {
        let cases = [
            ("postgres:16", Family::Postgres),
            ("docker.io/bitnami/mariadb", Family::Mysql),
            ("postgis/postgis:15-3.4", Family::Postgres),
            ("mcr.microsoft.com/mssql/server:2022-latest", Family::Store),
            ("me/postgres-backup", Family::App),
            ("redis/insight", Family::App),
        ];
        for (text, expected) in cases {
            assert_eq!(family(&Image::parse(text)), expected, "{text}");
        }
    }

    #[test]
    fn only_tools_that_are_surely_missing_count() {
        let cases = [
            ("python:3.12-slim", "curl", true),
            ("python:3.12-slim-bookworm", "wget", true),
            ("python:3.12", "curl", false),
            ("python:3.12-slim", "python", false),
            ("node:20-alpine", "curl", true),
            ("node:20-alpine", "wget", false),
            ("nginx:1.27", "curl", false),
            ("nginx:1.27", "wget", true),
            ("nginx:1.27-alpine", "wget", false),
            ("gcr.io/distroless/static", "sh", true),
            ("gcr.io/distroless/static", "/app/health", false),
            ("me/app:1-slim", "curl", false),
        ];
        for (image, tool, expected) in cases {
            assert_eq!(lacks_tool(&Image::parse(image), tool), expected, "{image} {tool}");
        }
    }
}
