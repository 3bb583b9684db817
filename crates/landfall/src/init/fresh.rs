//! A first compose file for a folder that has only a Dockerfile.

use std::path::Path;

use super::dockerfile::Dockerfile;
use super::health::Seen;
use super::{habits, scalar};

/// What is known about the folder.
#[derive(Debug)]
pub(crate) struct Folder<'a> {
    pub(crate) dockerfile: &'a Dockerfile,
    /// Its path, to look for files that tell the framework.
    pub(crate) path: &'a Path,
    pub(crate) seen: Option<Seen>,
}

/// What is told by a file in the folder: the framework, its usual port, its migration.
struct Framework {
    marker: &'static str,
    port: u16,
    migrate: Option<&'static str>,
}

const FRAMEWORKS: &[Framework] = &[
    Framework {
        marker: "manage.py",
        port: 8000,
        migrate: Some("python manage.py migrate --noinput"),
    },
    Framework { marker: "artisan", port: 8000, migrate: Some("php artisan migrate --force") },
    Framework {
        marker: "config/application.rb",
        port: 3000,
        migrate: Some("bundle exec rails db:migrate"),
    },
    Framework {
        marker: "prisma/schema.prisma",
        port: 3000,
        migrate: Some("npx prisma migrate deploy"),
    },
    Framework { marker: "alembic.ini", port: 8000, migrate: Some("alembic upgrade head") },
    Framework { marker: "package.json", port: 3000, migrate: None },
    Framework { marker: "go.mod", port: 8080, migrate: None },
    Framework { marker: "Cargo.toml", port: 8080, migrate: None },
    Framework { marker: "pom.xml", port: 8080, migrate: None },
    Framework { marker: "build.gradle", port: 8080, migrate: None },
    Framework { marker: "requirements.txt", port: 8000, migrate: None },
    Framework { marker: "composer.json", port: 80, migrate: None },
    Framework { marker: "index.php", port: 80, migrate: None },
    Framework { marker: "index.html", port: 80, migrate: None },
];

/// The whole text of `compose.yaml`.
pub(crate) fn text(folder: &Folder<'_>) -> String {
    let framework = FRAMEWORKS.iter().find(|f| folder.path.join(f.marker).exists());
    let (port, from) = port(folder.dockerfile, framework);
    let mut out = vec![
        "# Written by `landfall init` from the Dockerfile; from here on it is yours to change."
            .to_owned(),
        "# `docker compose` reads it as well.".to_owned(),
        String::new(),
        "services:".to_owned(),
        "  web:".to_owned(),
        "    build: .".to_owned(),
        "    restart: unless-stopped".to_owned(),
    ];
    if folder.path.join(".env").is_file() {
        out.push("    # `.env` fills in ${…} in this file; uncomment this to hand it to the app as well.".to_owned());
        out.push("    # env_file: .env".to_owned());
    }
    out.push("    ports:".to_owned());
    out.push(format!("      # {from}"));
    out.push(
        "      # The edge listens on the host's port and passes requests on to the container's."
            .to_owned(),
    );
    out.push(format!("      - \"{}:{port}\"", host_port(port)));
    let kept: Vec<(String, &String)> =
        folder.dockerfile.volumes.iter().map(|path| (volume_name(path), path)).collect();
    if !kept.is_empty() {
        out.push("    volumes:".to_owned());
        out.extend(
            kept.iter()
                .map(|(name, path)| format!("      - {}", scalar(&format!("{name}:{path}")))),
        );
    }
    out.extend(health(folder));
    out.extend(migration(framework, folder.dockerfile));
    if !kept.is_empty() {
        out.extend([
            String::new(),
            "# Data: shared by all releases and never removed by one.".to_owned(),
        ]);
        out.push("volumes:".to_owned());
        out.extend(kept.iter().map(|(name, _)| format!("  {name}: {{}}")));
    }
    out.join("\n") + "\n"
}

/// The container's port, and why it is thought to be that.
fn port(dockerfile: &Dockerfile, framework: Option<&Framework>) -> (u16, String) {
    if let [first, others @ ..] = &dockerfile.exposed[..] {
        let others: Vec<String> = others.iter().map(ToString::to_string).collect();
        let also =
            if others.is_empty() { String::new() } else { format!(" (and {})", others.join(", ")) };
        return (*first, format!("The Dockerfile exposes {first}{also}."));
    }
    if let Some(port) = port_in(&dockerfile.command) {
        return (port, format!("The Dockerfile exposes no port, but its command mentions {port}."));
    }
    let base = habits::last_part(&dockerfile.base);
    let port = match (framework, base) {
        (_, "nginx" | "httpd" | "caddy") => 80,
        (_, "php") if !dockerfile.base.contains("fpm") && !dockerfile.base.contains("cli") => 80,
        (Some(framework), _) => framework.port,
        (None, _) => 8080,
    };
    (port, format!("The Dockerfile exposes no port: {port} is a guess."))
}

/// `--bind 0.0.0.0:8000`, `-p 3000`, `--port=8080`
fn port_in(command: &str) -> Option<u16> {
    let words: Vec<&str> = command.split([' ', '=']).collect();
    let after = |index: usize| words.get(index + 1)?.rsplit(':').next()?.parse::<u16>().ok();
    let is_flag = |word: &&str| {
        matches!(*word, "--bind" | "-b" | "-p" | "--port" | "--http-port" | "--listen")
    };
    let by_flag =
        words.iter().enumerate().filter(|(_, word)| is_flag(word)).find_map(|(i, _)| after(i));
    by_flag.or_else(|| {
        let address = |word: &&str| word.strip_prefix("0.0.0.0:")?.parse().ok();
        words.iter().find_map(address)
    })
}

/// Ports below 1024 are taken on many machines, and a first try should not meet that.
fn host_port(port: u16) -> u16 {
    match port {
        80 => 8080,
        443 => 8443,
        other => other,
    }
}

fn health(folder: &Folder<'_>) -> Vec<String> {
    if folder.dockerfile.has_healthcheck {
        return vec![
            "    # The image brings its own HEALTHCHECK, which tells when it is ready.".to_owned(),
        ];
    }
    let lines: [String; 4] = match &folder.seen {
        Some(seen) => [
            format!("    # {} mentions this path; it must answer 200 when the app is ready.", seen.file.display()),
            "    x-landfall:".to_owned(),
            format!("      health: {{path: {}}}", scalar(&seen.path)),
            String::new(),
        ],
        None => [
            "    # Ready once it accepts connections. A path that answers 200 when the app can serve".to_owned(),
            "    # tells more:".to_owned(),
            "    # x-landfall:".to_owned(),
            "    #   health: {path: /healthz}".to_owned(),
        ],
    };
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// A migration that the framework has is offered, not set: it may need a database first.
fn migration(framework: Option<&Framework>, dockerfile: &Dockerfile) -> Vec<String> {
    let Some(migrate) = framework.and_then(|framework| framework.migrate) else {
        return Vec::new();
    };
    let mut out = vec![String::new()];
    if let Some(job) = habits::hidden_job(&habits::plain(std::slice::from_ref(&dockerfile.command)))
    {
        out.push(format!(
            "  # `{job}` stands in the image's own command, so every replica runs it."
        ));
    }
    out.extend([
        "  # Migrations run once a release, before users see it:".to_owned(),
        "  # migrate:".to_owned(),
        "  #   build: .".to_owned(),
        format!("  #   command: {migrate}"),
        "  #   restart: \"no\"".to_owned(),
        "  #   x-landfall: {job: before-cutover}".to_owned(),
    ]);
    out
}

/// `/var/lib/data` → `var-lib-data`
fn volume_name(path: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' };
    let name: String = path.trim_matches('/').chars().map(plain).collect();
    // Compose takes a source of one letter for a drive.
    if name.len() < 2 { "data".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_found_in_the_command() {
        let table = [
            ("gunicorn --bind 0.0.0.0:8001 shop.wsgi", Some(8001)),
            ("npx serve -p 5000", Some(5000)),
            ("app --port=7000", Some(7000)),
            ("manage.py runserver 0.0.0.0:8002", Some(8002)),
            ("node server.js", None),
        ];
        for (command, port) in table {
            assert_eq!(port_in(command), port, "{command}");
        }
    }

    #[test]
    fn names_of_volumes_are_never_taken_for_paths() {
        assert_eq!(volume_name("/var/lib/data"), "var-lib-data");
        assert_eq!(volume_name("/d"), "data");
    }
}
