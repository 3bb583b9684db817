//! Tables over flags and environment.

use clap::Parser;

use super::*;
use crate::cli::Cli;

fn around(env: &[(&str, &str)]) -> Surroundings {
    Surroundings {
        env: env.iter().map(|(k, v)| ((*k).to_owned(), OsString::from(v))).collect(),
        is_root: true,
        uid: 0,
        host: "laptop".into(),
        stdin_terminal: false,
        stdout_terminal: false,
        stderr_terminal: true,
    }
}

fn resolve(args: &[&str], around: &Surroundings) -> Result<Settings, Failure> {
    let cli = Cli::try_parse_from([&["landfall"], args].concat()).unwrap();
    Settings::resolve(&[cli.shared.as_ref(), cli.command.shared()], around)
}

fn settings(args: &[&str], env: &[(&str, &str)]) -> Settings {
    resolve(args, &around(env)).unwrap()
}

#[test]
fn flags_before_and_after_the_verb_are_one() {
    let found = settings(
        &["-f", "a.yaml", "-p", "one", "deploy", "-f", "b.yaml", "-p", "two", "--profile", "x"],
        &[],
    );
    assert_eq!(found.project.files, [PathBuf::from("a.yaml"), PathBuf::from("b.yaml")]);
    assert_eq!(found.project.name, Some("two".parse().unwrap()));
    assert_eq!(found.project.profiles, ["x"]);
}

#[test]
fn follow_keeps_its_letter() {
    let found = settings(&["-f", "a.yaml", "logs", "-f", "--file", "b.yaml"], &[]);
    assert_eq!(found.project.files.len(), 2);
}

#[test]
fn a_name_that_is_none_is_a_usage_error() {
    let error = resolve(&["status", "-p", "No Name"], &around(&[])).unwrap_err();
    assert_eq!(error.exit, crate::exit::Exit::Usage);
    let variable = around(&[("COMPOSE_PROJECT_NAME", "../x")]);
    assert!(resolve(&["status"], &variable).is_err());
    assert!(resolve(&["agent", "status"], &variable).is_ok());
}

#[test]
fn paths_come_from_flag_environment_and_user() {
    let socket = |args: &[&str], env: &[(&str, &str)]| settings(args, env).paths.agent_socket;
    let env = [("LANDFALL_SOCKET", "/env.sock"), ("LANDFALL_RUN_DIR", "/run/x")];
    assert_eq!(socket(&["status", "--socket", "/flag.sock"], &env), PathBuf::from("/flag.sock"));
    assert_eq!(socket(&["status"], &env), PathBuf::from("/env.sock"));
    assert_eq!(socket(&["status"], &env[1..]), PathBuf::from("/run/x/agent.sock"));
    assert_eq!(socket(&["status"], &[]), PathBuf::from("/run/landfall/agent.sock"));
    let user = Surroundings { is_root: false, uid: 1000, ..around(&[("HOME", "/home/ann")]) };
    let found = resolve(&["status"], &user).unwrap().paths;
    assert_eq!(found.state_dir, PathBuf::from("/home/ann/.local/state/landfall"));
}

#[test]
fn colour_and_progress_follow_the_terminal_unless_told() {
    let look = |args: &[&str], env: &[(&str, &str)]| settings(args, env).look;
    let plain = look(&["status"], &[]);
    assert!(plain.color_err && !plain.color_out && plain.progress);
    assert!(!look(&["status"], &[("NO_COLOR", "1")]).color_err);
    assert!(look(&["status"], &[("NO_COLOR", "")]).color_err);
    assert!(look(&["status", "--color", "always"], &[("NO_COLOR", "1")]).color_out);
    assert!(!look(&["status"], &[("TERM", "dumb")]).progress);
    assert!(!look(&["--no-progress", "status"], &[]).progress);
    assert!(!look(&["status", "--format", "json"], &[]).progress);
    assert_eq!(look(&["-q", "status"], &[]).verbosity, Verbosity::Quiet);
    assert_eq!(look(&["-q", "status", "-v"], &[]).verbosity, Verbosity::Verbose);
}

#[test]
fn the_person_behind_sudo_is_named() {
    assert_eq!(settings(&["status"], &[("USER", "root")]).by, "root@laptop");
    assert_eq!(settings(&["status"], &[("USER", "root"), ("SUDO_USER", "ann")]).by, "ann@laptop");
    assert_eq!(settings(&["status"], &[]).by, "root@laptop");
}
