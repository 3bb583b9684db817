//! What systemd is given: two units, a user for the edge, and folders. Plain files; who writes them
//! where is decided in [`crate::commands::agent`].
//!
//! The agent runs as root, since whoever may use the engine's socket is root anyway, but gains
//! nothing beyond what it needs. The edge, which strangers talk to, is a user of its own that may
//! bind low ports and write its own table, and nothing else.

use std::path::{Path, PathBuf};

/// One file, at its place below the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnitFile {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

pub(crate) const AGENT_UNIT: &str = "landfall-agent.service";
pub(crate) const EDGE_UNIT: &str = "landfall-edge.service";
/// Where systemd keeps what an administrator adds.
pub(crate) const UNIT_DIR: &str = "/etc/systemd/system";
pub(crate) const USERS: &str = "/etc/sysusers.d/landfall.conf";
pub(crate) const FOLDERS: &str = "/etc/tmpfiles.d/landfall.conf";

/// All of them, for this binary. `agent_args` are added to `agent run`.
pub(crate) fn all(binary: &Path, agent_args: &[String]) -> Vec<UnitFile> {
    let binary = quoted(&binary.display().to_string());
    let args = agent_args.iter().fold(String::new(), |args, arg| args + " " + &quoted(arg));
    let file = |path: PathBuf, text: String| UnitFile { path, text };
    vec![
        file(USERS.into(), include_str!("units/sysusers.conf").to_owned()),
        file(FOLDERS.into(), include_str!("units/tmpfiles.conf").to_owned()),
        file(
            Path::new(UNIT_DIR).join(EDGE_UNIT),
            include_str!("units/landfall-edge.service").replace("@BINARY@", &binary),
        ),
        file(
            Path::new(UNIT_DIR).join(AGENT_UNIT),
            include_str!("units/landfall-agent.service")
                .replace("@BINARY@", &binary)
                .replace("@ARGS@", &args),
        ),
    ]
}

/// A word of a command line in a unit, in which `%` and `$` have a meaning.
fn quoted(word: &str) -> String {
    let escaped = word.replace('\\', "\\\\").replace('"', "\\\"");
    let escaped = escaped.replace('%', "%%").replace('$', "$$");
    if escaped.contains([' ', '\t', '\'', '"', '\\']) { format!("\"{escaped}\"") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_a_meaning_to_systemd_are_quoted() {
        assert_eq!(quoted("/usr/local/bin/landfall"), "/usr/local/bin/landfall");
        assert_eq!(quoted("/opt/my apps/50%"), "\"/opt/my apps/50%%\"");
        assert_eq!(quoted("$HOME"), "$$HOME");
    }

    #[test]
    fn every_placeholder_is_filled_in() {
        let files =
            all(Path::new("/usr/local/bin/landfall"), &["--socket-group".into(), "docker".into()]);
        assert!(
            files.iter().all(|file| !file.text.contains('@') || file.path.ends_with(EDGE_UNIT))
        );
        let agent = files.iter().find(|file| file.path.ends_with(AGENT_UNIT)).unwrap();
        let start = "ExecStart=/usr/local/bin/landfall agent run --socket-group docker\n";
        assert!(agent.text.contains(start), "{}", agent.text);
    }

    /// `systemd-analyze verify` reads units as systemd does, without running it.
    #[test]
    fn systemd_understands_the_units() {
        let dir = tempfile::tempdir().unwrap();
        let mut units = Vec::new();
        for file in all(Path::new("/bin/true"), &[]) {
            let path = dir.path().join(file.path.file_name().unwrap());
            // The user is made at the installation.
            let text = file.text.replace("User=landfall-edge", "User=daemon");
            std::fs::write(&path, text.replace("Group=landfall-edge", "Group=daemon")).unwrap();
            units
                .extend(path.extension().is_some_and(|ending| ending == "service").then_some(path));
        }
        let verify = std::process::Command::new("systemd-analyze")
            .args(["verify", "--man=no"])
            .args(&units)
            .output();
        let Ok(verified) = verify else {
            println!("SKIPPED: there is no systemd-analyze; `apt-get install systemd` brings it");
            return;
        };
        let said = String::from_utf8_lossy(&verified.stderr).into_owned();
        let ours: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("landfall") && !line.contains("docker.service"))
            .collect();
        assert!(ours.is_empty(), "{said}");
    }
}
