//! The app of these stories: busybox, every workload, told apart by what it answers.
//!
//! `web` (routed) answers its release's word, `setup` (one-off) appends to the data volume, `store`
//! (stateful) holds it, `ticker` (singleton) marks that it runs. Variants break it in one place.

use std::fmt::Write as _;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// What is wrong with a release of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variant {
    /// Nothing.
    Fine,
    /// `web` exits at once.
    Crash,
    /// `web` runs but never answers.
    NeverReady,
    /// `setup` fails.
    BadSetup,
    /// `web` answers well for a moment and then not.
    Flaky,
    /// The image does not exist.
    NoImage,
    /// `store` changed: it is replaced in place.
    NewStore,
}

/// Answers well twice: just what the gate asks for.
const READY_TWICE: &str = r#"#!/bin/sh
echo x >> /tmp/asked
[ $(wc -l < /tmp/asked) -le 2 ] && status='200 OK' || status='503 Service Unavailable'
printf 'Status: %s\r\nContent-Type: text/plain\r\n\r\n%s\n' "$status" "$status"
"#;

/// Writes the app's compose file for one release and returns its path.
pub(crate) fn write(folder: &Path, word: &str, variant: Variant, port: u16) -> PathBuf {
    std::fs::create_dir_all(folder.join("www")).expect("a folder of ours");
    std::fs::write(folder.join("www/index.html"), format!("{word}\n")).expect("a folder of ours");
    if variant == Variant::Flaky {
        let script = folder.join("www/cgi-bin/ready");
        std::fs::create_dir_all(folder.join("www/cgi-bin")).expect("a folder of ours");
        std::fs::write(&script, READY_TWICE).expect("a folder of ours");
        std::fs::set_permissions(&script, Permissions::from_mode(0o755)).expect("a file of ours");
    }
    let path = folder.join("compose.yaml");
    std::fs::write(&path, text(word, variant, port)).expect("a folder of ours");
    path
}

fn text(word: &str, variant: Variant, port: u16) -> String {
    let image = match variant {
        Variant::NoImage => "landfall-no-such-image:1",
        _ => "busybox:latest",
    };
    let web = match variant {
        Variant::Crash => "echo cannot find the settings >&2; exit 3",
        Variant::NeverReady => "exec sleep 3600",
        _ => "exec httpd -f -p 8080 -h /site",
    };
    let setup = match variant {
        Variant::BadSetup => "echo the column exists already >&2; exit 7",
        _ => "echo ran >> /data/setup.log",
    };
    let path = match variant {
        Variant::Flaky => "/cgi-bin/ready",
        _ => "/",
    };
    let store = match variant {
        Variant::NewStore => "2",
        _ => "1",
    };
    let mut file = String::from("name: ring\n\nservices:\n");
    write!(
        file,
        r#"  web:
    image: {image}
    init: true
    command: ["sh", "-c", "{web}"]
    environment: {{WORD: "{word}"}}
    ports: ["127.0.0.1:{port}:8080"]
    volumes: ["./www:/site:ro"]
    depends_on:
      setup: {{condition: service_completed_successfully}}
    x-landfall:
      health: {{path: {path}, timeout: 4s}}
  setup:
    image: busybox:latest
    command: ["sh", "-c", "{setup}"]
    volumes: ["data:/data"]
    depends_on: [store]
  store:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "echo {store} >> /data/store.log; exec sleep 1000000"]
    volumes: ["data:/data"]
    x-landfall: {{update: in-place, health: {{stay_up: 100ms}}}}
  ticker:
    image: busybox:latest
    init: true
    command: ["sh", "-c", "exec sleep 1000000"]
    x-landfall: {{singleton: true, health: {{stay_up: 100ms}}}}
"#
    )
    .expect("writing to a String cannot fail");
    file.push_str("\nvolumes: {data: {}}\n");
    file
}

/// The image that [`write_built`] has built.
pub(crate) const BUILT: &str = "landfall-push";

/// Writes an app of one service that is built from a context: the base, a layer that stays, and one
/// that differs with each word. Returns the path of its compose file.
pub(crate) fn write_built(folder: &Path, word: &str, port: u16) -> PathBuf {
    std::fs::create_dir_all(folder).expect("a folder of ours");
    let big: Vec<String> = (0..200_000_u64).map(|n| format!("{:x}", n * 2_654_435_761)).collect();
    let big = big.join("\n");
    let dockerfile = "FROM busybox:latest\nCOPY stays /site/stays\nCOPY index.html /site/index.html\n\
                      CMD [\"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \"/site\"]\n";
    for (name, text) in [
        ("Dockerfile", dockerfile),
        ("stays", big.as_str()),
        ("index.html", &format!("{word}\n")),
        (".dockerignore", "compose.yaml\n"),
    ] {
        std::fs::write(folder.join(name), text).expect("a folder of ours");
    }
    let path = folder.join("compose.yaml");
    let text = format!(
        "name: ring\nservices:\n  web:\n    build: .\n    image: {BUILT}:1\n    init: true\n    \
         ports: [\"127.0.0.1:{port}:8080\"]\n    x-landfall:\n      health: {{path: /}}\n"
    );
    std::fs::write(&path, text).expect("a folder of ours");
    path
}
