//! Another host's agent: what is said when it cannot be reached. `ssh` is a program of the test's own,
//! which says what OpenSSH would.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::stage::{Stage, same_as_transcript};

const GOOD: &str = "name: shop\nservices:\n  web:\n    image: nginx\n";
const HOSTS: &str = "[hosts.prod]\naddress = \"ssh://deploy@203.0.113.7:2222\"\n\n[hosts.test]\n\
                     address = \"ssh://test\"\nsocket = \"/srv/agent.sock\"\n";

/// A folder in which `ssh` says this and ends with that.
fn stage(says: &str, code: u8) -> Stage {
    let script =
        format!("#!/bin/sh\necho \"$@\" >> \"$0.args\"\ncat >&2 <<'X'\n{says}\nX\nexit {code}\n");
    let files = [("compose.yaml", GOOD), ("config.toml", HOSTS), ("ssh", &script), ("xdg/x", "")];
    let stage = Stage::new(&files);
    fs::set_permissions(stage.path("ssh"), Permissions::from_mode(0o755)).unwrap();
    let (ssh, config, xdg) = (stage.path("ssh"), stage.path("config.toml"), stage.path("xdg"));
    stage
        .env("LANDFALL_SSH", ssh.to_str().unwrap())
        .env("LANDFALL_CONFIG", config.to_str().unwrap())
        .env("XDG_RUNTIME_DIR", xdg.to_str().unwrap())
        // What the fake is made of.
        .env("PATH", "/usr/bin:/bin")
}

/// A name, what `ssh` says, and which host is meant.
const REFUSED: [(&str, &str, &str); 6] = [
    ("key", "deploy@203.0.113.7: Permission denied (publickey).", "prod"),
    (
        "unknown-host",
        "No ED25519 host key is known for [203.0.113.7]:2222 and you have requested strict checking.\n\
         Host key verification failed.",
        "prod",
    ),
    (
        "changed-host",
        "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n\
         @    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n\
         @@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@\n\
         Offending ED25519 key in /home/ann/.ssh/known_hosts:3\n\
         Host key for test has changed and you have requested strict checking.\n\
         Host key verification failed.",
        "test",
    ),
    ("port", "ssh: connect to host 203.0.113.7 port 2222: Connection refused", "prod"),
    ("silence", "ssh: connect to host 203.0.113.7 port 2222: Connection timed out", "prod"),
    ("name", "ssh: Could not resolve hostname nowhere: Name or service not known", "ssh://nowhere"),
];

#[test]
fn each_way_in_which_ssh_refuses_has_its_words_and_its_hint() {
    for (name, says, host) in REFUSED {
        let text = stage(says, 255).transcript(&["--host", host, "status"]);
        same_as_transcript(&format!("remote-refused-{name}"), &text);
    }
}

#[test]
fn a_host_that_cannot_be_meant_is_refused_before_ssh_is_run() {
    let stage = stage("", 0);
    let mut text = String::new();
    for host in [
        "ssh://-oProxyCommand=touch%20x",
        "ssh://-oProxyCommand=x@h",
        "-oProxyCommand=x",
        "ssh://ann:secret@h",
        "prd",
        "deploy@h",
    ] {
        text += &stage.transcript(&[&format!("--host={host}"), "status"]);
    }
    text += &stage.transcript(&["--host", "prod", "--socket", "x y", "status"]);
    same_as_transcript("remote-refused-names", &text);
    assert!(!stage.path("ssh.args").exists(), "ssh was run");
}

#[test]
fn what_is_about_this_host_says_so() {
    let stage = stage("", 0);
    let mut text = String::new();
    for args in [
        &["--host", "prod", "check", "--engine"][..],
        &["agent", "start", "--host", "prod"],
        &["agent", "stop", "--host", "ssh://deploy@h"],
    ] {
        text += &stage.transcript(args);
    }
    let stage = stage.env("LANDFALL_HOST", "prod");
    text += &stage.transcript(&["agent", "start"]);
    text += &stage.transcript(&["--host", "local", "status"]);
    same_as_transcript("remote-this-host", &text);
    assert!(!stage.path("ssh.args").exists(), "ssh was run");
}

#[test]
fn a_missing_ssh_is_named() {
    let stage = stage("", 0).env("LANDFALL_SSH", "/nowhere/ssh");
    same_as_transcript("remote-no-ssh", &stage.transcript(&["--host", "prod", "status"]));
}

#[test]
fn hosts_are_listed_with_what_answers() {
    let stage = stage("ssh: connect to host h port 22: Connection refused", 255);
    let mut text = stage.transcript(&["hosts"]);
    text += &stage.transcript(&["hosts", "--format", "json"]);
    let none = Stage::new(&[]);
    text += &none.transcript(&["hosts"]);
    let broken =
        Stage::new(&[(".config/landfall/config.toml", "[hosts.prod]\nadress = \"ssh://h\"\n")]);
    text += &broken.transcript(&["hosts"]);
    same_as_transcript("hosts", &text);
}

#[test]
fn a_path_of_this_machine_is_refused_for_another_host_before_anything_is_asked() {
    let text = "name: shop\nservices:\n  web:\n    image: nginx\n    volumes: [\"./data:/data\"]\n";
    let stage = stage("", 0);
    fs::write(stage.path("compose.yaml"), text).unwrap();
    let text = stage.transcript(&["--host", "prod", "check"]);
    same_as_transcript("remote-path", &text);
}

#[test]
fn nobody_is_asked_anything_where_there_is_no_terminal() {
    let stage = stage("x", 255);
    stage.run(&["--host", "prod", "status"]);
    let args = fs::read_to_string(stage.path("ssh.args")).unwrap();
    assert!(args.contains("BatchMode=yes"), "{args}");
    assert!(args.trim_end().ends_with("-N -l deploy -p 2222 -- 203.0.113.7"), "{args}");
}
