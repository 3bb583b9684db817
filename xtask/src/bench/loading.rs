//! Reading compose files: `landfall config` beside `docker compose config`, over one large project,
//! and `landfall check` of the shop. Both print JSON to nowhere; runs alternate.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use serde::Serialize;

use super::table::Figure;
use crate::cmd::{build_folder, cmd, root};

const ROUNDS: usize = 7;
const SERVICES: usize = 2_000;
/// Goals: at most this part of Compose's time, and this long for the shop.
const PART_MAX: f64 = 0.2;
const CHECK_MAX_MS: f64 = 50.0;

/// What was measured.
#[derive(Debug, Serialize)]
pub(super) struct Loading {
    file_bytes: usize,
    landfall: Figure,
    compose: Option<Figure>,
    check_shop: Figure,
    pub(super) within_goal: bool,
}

/// Runs it all.
pub(super) fn measure(product: &Path, compose: Option<&Path>) -> Result<Loading> {
    let folder = build_folder()?.join("bench-loading");
    fs::create_dir_all(&folder)?;
    let text = large();
    let file = folder.join("compose.yaml");
    fs::write(&file, &text).with_context(|| format!("write {}", file.display()))?;
    let shop = root().join("examples/shop/compose.yaml");

    let (mut ours, mut theirs, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    // The first round only warms the files up.
    for round in 0..=ROUNDS {
        let keep = usize::from(round > 0);
        let config = ["config", "--format", "json"];
        ours.extend(timed(product, &file, &config, &[0])?.into_iter().take(keep));
        if let Some(compose) = compose {
            theirs.extend(timed(compose, &file, &config, &[0])?.into_iter().take(keep));
        }
        // Findings are no failure of the bench.
        checks.extend(timed(product, &shop, &["check"], &[0, 1])?.into_iter().take(keep));
    }
    let (landfall, check_shop) = (Figure::of(ours.into_iter()), Figure::of(checks.into_iter()));
    let compose = (!theirs.is_empty()).then(|| Figure::of(theirs.into_iter()));
    let soon = compose.is_none_or(|compose| landfall.median_ms <= compose.median_ms * PART_MAX);
    let within_goal = soon && check_shop.median_ms < CHECK_MAX_MS;
    Ok(Loading { file_bytes: text.len(), landfall, compose, check_shop, within_goal })
}

/// Milliseconds of one run.
fn timed(program: &Path, file: &Path, words: &[&str], codes: &[i32]) -> Result<Option<f64>> {
    let mut command: Command = cmd(program, ["--file"]);
    command.arg(file).args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let began = Instant::now();
    let status = command.status().with_context(|| format!("start {}", program.display()))?;
    let took = began.elapsed().as_secs_f64() * 1e3;
    if !status.code().is_some_and(|code| codes.contains(&code)) {
        bail!("{} of {}: {status}", program.display(), file.display());
    }
    Ok(Some(took))
}

/// A project of many services, each with what services of real files have.
fn large() -> String {
    let mut text = String::from(
        "name: large\nx-logging: &logging\n  driver: json-file\n  options: {max-size: 10m, max-file: \"3\"}\n\
         x-environment: &environment\n  TZ: ${TZ:-UTC}\n  LOG_LEVEL: ${LOG_LEVEL:-info}\n  WORKERS: 4\nservices:\n",
    );
    for number in 0..SERVICES {
        let _ = write!(
            text,
            "  service-{number}:\n    image: registry.example/team/service-{number}:${{TAG:-1.{number}}}\n    \
             restart: unless-stopped\n    environment:\n      <<: *environment\n      \
             DATABASE_URL: postgres://app:${{PASSWORD:-secret}}@db-{number}:5432/app\n      \
             SELF: http://service-{number}:8080\n    volumes:\n      - data-{number}:/var/lib/data\n      \
             - ./config/{number}.conf:/etc/app.conf:ro\n    networks: [net-{net}, shared]\n    \
             logging: *logging\n    labels:\n      - traefik.enable=true\n      \
             - traefik.http.routers.s{number}.rule=Host(`s{number}.example.com`)\n    \
             healthcheck:\n      test: [CMD-SHELL, \"curl -f http://localhost:8080/health?$$RANDOM\"]\n      \
             interval: 30s\n      retries: 3\n    ports:\n      - \"127.0.0.1:{port}:8080\"\n",
            net = number % 50,
            port = 10_000 + number,
        );
        if let Some(earlier) = number.checked_sub(10) {
            let _ = writeln!(
                text,
                "    depends_on:\n      service-{earlier}: {{condition: service_healthy}}"
            );
        }
    }
    text.push_str("networks:\n  shared: {}\n");
    for number in 0..50 {
        let _ = writeln!(text, "  net-{number}: {{}}");
    }
    text.push_str("volumes:\n");
    for number in 0..SERVICES {
        let _ = writeln!(text, "  data-{number}: {{}}");
    }
    text
}

impl Loading {
    /// A table in Markdown, and the verdict.
    pub(super) fn text(&self) -> String {
        let size = self.file_bytes / 1024;
        let mut lines = vec![
            format!("| reading {SERVICES} services, {size} KiB | median | fastest | slowest |"),
            "|---|---|---|---|".to_owned(),
            format!("| `landfall config --format json` | {} |", self.landfall.cells()),
        ];
        if let Some(compose) = &self.compose {
            lines.push(format!("| `docker compose config --format json` | {} |", compose.cells()));
        }
        lines.push(format!("| `landfall check` of the shop | {} |", self.check_shop.cells()));
        let verdict = if self.within_goal { "within" } else { "NOT within" };
        let part = self.compose.map(|compose| self.landfall.median_ms / compose.median_ms);
        let part = part.map_or_else(
            || "no Compose to compare with".to_owned(),
            |part| format!("{part:.2} of Compose's time"),
        );
        lines.push(String::new());
        lines.push(format!(
            "{part}, {verdict} the goals of {PART_MAX} and of {CHECK_MAX_MS:.0} ms for the shop."
        ));
        lines.join("\n")
    }
}

/// This part of the bench alone: no engine is needed.
pub(super) fn alone(json: bool) -> Result<()> {
    let product: PathBuf = crate::product::release()?;
    let compose = super::run::compose_program();
    let loading = measure(&product, compose.as_deref())?;
    let text = if json { serde_json::to_string_pretty(&loading)? } else { loading.text() };
    crate::cmd::print(&text);
    if !loading.within_goal {
        bail!("reading compose files takes longer than it may");
    }
    Ok(())
}
