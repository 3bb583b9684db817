//! Scripts that containers start: found beside the Dockerfile or in a mount.

use std::path::PathBuf;

use landfall_core::diagnostic::Location;

use crate::facts::{App, Kinded as _, Service, place};
use crate::know;

/// A script.
pub(super) struct Script {
    pub(super) path: PathBuf,
    pub(super) text: String,
}

pub(super) fn script_of(app: &App<'_>, service: &Service<'_>) -> Option<Script> {
    let runs = service.runs(app)?;
    let is_script = |word: &&String| {
        let name = word.rsplit('/').next().unwrap_or(word);
        let bare =
            !name.contains('.') && (name.contains("entrypoint") || name.starts_with("start"));
        !word.contains(' ') && (matches!(know::extension(name), "sh" | "bash") || bare)
    };
    let words = runs.words.iter().flat_map(|word| word.split_whitespace()).map(str::to_owned);
    let word = words.collect::<Vec<_>>().iter().find(is_script)?.clone();
    let mut places = Vec::new();
    for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
        if let (Some(path), true) = (&mount.path, mount.covers(&word)) {
            let rest = word[mount.target.len()..].trim_start_matches('/');
            places.push(if rest.is_empty() { path.clone() } else { path.join(rest) });
        }
    }
    if let Some(context) = service.context(app) {
        let workdir = service.workdir(app).unwrap_or_default();
        let relative = word.strip_prefix(&workdir).unwrap_or(&word).trim_start_matches(['/', '.']);
        let relative = relative.trim_start_matches('/');
        let name = word.rsplit('/').next().unwrap_or(&word);
        places.push(context.join(relative));
        let folders = ["", "docker", "scripts", "bin", "deploy"];
        places.extend(folders.iter().map(|folder| context.join(folder).join(name)));
    }
    let path = places.into_iter().find(|path| app.kind(path).is_file())?;
    let text = app.text(&path)?;
    Some(Script { path, text })
}

/// A migration in a script, unless the script asks whether to run it.
pub(super) fn migration_in(app: &App<'_>, script: &Script) -> Option<(&'static str, Location)> {
    let mut depth = 0_usize;
    for (line, number) in script.text.lines().zip(1_u32..) {
        let bare = line.trim();
        if bare.starts_with('#') {
            continue;
        }
        if depth == 0
            && let Some(found) = know::migration(&bare.to_ascii_lowercase())
        {
            return Some((found, place(&app.shown(&script.path), number, 1)));
        }
        let first = bare.split_whitespace().next().unwrap_or_default();
        if matches!(first, "if" | "case") {
            depth += 1;
        }
        if matches!(first.trim_end_matches(';'), "fi" | "esac") || bare.ends_with("; fi") {
            depth = depth.saturating_sub(1);
        }
    }
    None
}
