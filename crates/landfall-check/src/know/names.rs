//! What names say: of variables, files and folders.

/// Parts of a variable's name that make it a secret.
const SECRET_PARTS: &[&str] =
    &["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "TOKEN", "APIKEY", "CREDENTIAL", "PASS", "PWD"];
/// The same, of two parts.
const SECRET_PAIRS: &[&str] = &[
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "ENCRYPTION_KEY",
    "SIGNING_KEY",
    "APP_KEY",
    "AUTH_KEY",
    "MASTER_KEY",
    "SECRET_KEY",
    "SESSION_KEY",
];
/// Words that may follow it.
const SECRET_TAILS: &[&str] = &[
    "",
    "AES",
    "BASE",
    "DERIVATION",
    "KEY",
    "NEW",
    "OLD",
    "PRIMARY",
    "SALT",
    "SECONDARY",
    "VALUE",
];
/// Ends of names that speak of a secret and hold none.
const HARMLESS_ENDS: &[&str] = &[
    "_FILE",
    "_PATH",
    "_ID",
    "_NAME",
    "_URL",
    "_URI",
    "_TTL",
    "_EXPIRE",
    "_EXPIRY",
    "_EXPIRES",
    "_LIFETIME",
    "_LENGTH",
    "_HEADER",
    "_ENABLED",
    "_TYPE",
    "_ALGORITHM",
    "_MIN_LENGTH",
    "_DIR",
    "_TIMEOUT",
    "_HASHERS",
    "_POLICY",
    "_EXPIRATION",
    "_DURATION",
    "_SECONDS",
    "_MINUTES",
    "_DAYS",
    "_HOST",
    "_PORT",
    "_ENDPOINT",
    "_ISSUER",
    "_AUTHENTICATION",
    "_AUTH_METHOD",
    "_REQUIRED",
    "_AGE",
    "_INTERVAL",
    "_LIMIT",
    "_COUNT",
    "_SIZE",
    "_RESET",
    "_VALIDITY",
    "_ENVIRONMENT",
    "_MODE",
    "_MS",
    "_SEC",
];
/// Starts of names that are made for browsers, so nothing in them is secret.
const PUBLIC_STARTS: &[&str] = &["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "PUBLIC_"];
/// Names that look like secrets and are settings.
const HARMLESS: &[&str] = &[
    "ALLOW_EMPTY_PASSWORD",
    "MYSQL_ALLOW_EMPTY_PASSWORD",
    "MYSQL_RANDOM_ROOT_PASSWORD",
    "PWD",
    "OLDPWD",
    "MARIADB_RANDOM_ROOT_PASSWORD",
    "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD",
];

/// Whether a variable holds a secret, by its name.
pub(crate) fn is_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase().replace(['-', '.'], "_");
    if HARMLESS.contains(&&*upper)
        || HARMLESS_ENDS.iter().any(|end| upper.ends_with(end))
        || PUBLIC_STARTS.iter().any(|start| upper.starts_with(start))
        || ["ENABLE_", "DISABLE_", "ALLOW_", "USE_", "VALIDATE_", "REQUIRE_", "CHECK_"]
            .iter()
            .any(|start| upper.starts_with(start))
    {
        return false;
    }
    let parts: Vec<&str> = upper.split('_').collect();
    let single = |part: &str| {
        SECRET_PARTS.contains(&part) || part.ends_with("PASSWORD") || part.ends_with("APIKEY")
    };
    let pair = |window: &[&str]| SECRET_PAIRS.contains(&window.join("_").as_str());
    // What follows the word says what of the secret it is: `TOKEN_REALM` is none.
    let is_tail = |part: &&str| {
        SECRET_TAILS.contains(part) || !part.is_empty() && part.chars().all(|c| c.is_ascii_digit())
    };
    (0..parts.len()).any(|at| {
        let ends_at = if single(parts[at]) {
            at + 1
        } else if parts.get(at..at + 2).is_some_and(pair) {
            at + 2
        } else {
            return false;
        };
        parts[ends_at..].iter().all(is_tail)
    })
}

/// Parts of a URL: the scheme, whether it holds a password, host and port.
pub(crate) struct UrlParts<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) password: Option<&'a str>,
    pub(crate) host: &'a str,
    pub(crate) port: Option<u16>,
    pub(crate) path: &'a str,
}

/// Takes a URL apart, as far as rules need it.
pub(crate) fn url_parts(text: &str) -> Option<UrlParts<'_>> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    if scheme.is_empty() || !scheme.chars().all(good) {
        return None;
    }
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (user, address) = match authority.rsplit_once('@') {
        Some((user, address)) => (Some(user), address),
        None => (None, authority),
    };
    let password = user.and_then(|user| user.split_once(':')).map(|(_, password)| password);
    let (host, port) = match address.rsplit_once(':') {
        Some((host, port)) if !address.ends_with(']') => (host, port.parse().ok()),
        _ => (address, None),
    };
    let password = password.filter(|password| !password.is_empty());
    Some(UrlParts { scheme, password, host, port, path })
}

/// What stands behind the last dot of a file's name.
pub(crate) fn extension(name: &str) -> &str {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.rsplit_once('.').map_or("", |(_, end)| end)
}

/// Whether a file is a compose file, by its name.
pub(crate) fn is_compose_file(name: &str) -> bool {
    name.contains("compose") && matches!(extension(name), "yml" | "yaml")
}

/// Whether a file is a single-file database, by its name.
pub(crate) fn is_database_file(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let ends = [".db", ".db3", ".sqlite", ".sqlite3"];
    ends.iter().any(|end| lower.ends_with(end)) && !lower.ends_with("thumbs.db")
}

/// Names of folders that hold what an app keeps, not its code.
pub(crate) fn is_data_name(name: &str) -> bool {
    const DATA: &[&str] = &[
        "assets",
        "backup",
        "backups",
        "cache",
        "cert",
        "certs",
        "conf",
        "conf.d",
        "config",
        "configs",
        "custom",
        "data",
        "db",
        "files",
        "instance",
        "letsencrypt",
        "log",
        "logs",
        "media",
        "mysql",
        "pgdata",
        "plugins",
        "postgres",
        "public",
        "redis",
        "run",
        "secrets",
        "ssl",
        "static",
        "staticfiles",
        "storage",
        "themes",
        "tmp",
        "upload",
        "uploads",
        "var",
        "volumes",
    ];
    let lower = name.to_ascii_lowercase();
    DATA.contains(&&*lower) || DATA.iter().any(|data| lower.ends_with(&format!("_{data}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        for name in [
            "POSTGRES_PASSWORD",
            "DJANGO_SECRET_KEY",
            "API_TOKEN",
            "STRIPE_API_KEY",
            "DB_PASS",
            "smtp.password",
            "RAILS_MASTER_KEY",
            "MINIO_ROOT_PASSWORD",
            "SECRET_KEY_BASE",
            "ENCRYPTION_KEY_DERIVATION_SALT",
            "AES_CREDENTIAL_AES_256_KEY",
            "AWS_SECRET_ACCESS_KEY",
            "TOKEN_2",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "POSTGRES_PASSWORD_FILE",
            "AWS_ACCESS_KEY_ID",
            "TOKEN_TTL",
            "PASSENGER_PORT",
            "COMPASS_HOST",
            "VITE_TOKEN",
            "ENABLE_PASSWORD_RESET",
            "PUBLIC_KEY",
            "KEYBOARD",
            "REGISTRY_AUTH_TOKEN_REALM",
            "MAIL_PASS_SCHEME",
            "SECRET_LOCAL_HOSTNAME",
            "ALLOW_EMPTY_PASSWORD",
            "TOKENIZER",
            "PASSWORD_HASHERS",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }

    #[test]
    fn urls_are_taken_apart() {
        let parts = url_parts("postgres://u:p@db:5432/app").unwrap();
        let got = (parts.scheme, parts.password, parts.host, parts.port, parts.path);
        assert_eq!(got, ("postgres", Some("p"), "db", Some(5432), "/app"));
        assert_eq!(url_parts("redis://cache/0").unwrap().host, "cache");
        assert_eq!(url_parts("http://[::1]:80/").unwrap().port, Some(80));
        assert!(url_parts("no url").is_none());
    }
}
