//! `docs/compose-support.md`.

use std::fmt::Write as _;

use super::differences::DIFFERENCES;
use super::row::{Here, Row, Swarm};
use super::{SECTIONS, Section};
use crate::schema::{FILE, Kind, Shape};

const HEAD: &str = "\
# What landfall does with each key of Compose

Generated from the tables that `landfall check` uses; `cargo xtask tidy docs` keeps it current.

landfall reads every file that `docker compose` 2.40 reads, in the same way: `landfall config` prints
what `docker compose config` prints. Then it says what it will do with it. `landfall check` lists
this for your own file, with the place of each key.

| mark | meaning |
|---|---|
| yes | it means what it means to Compose |
| **differently** | it is honoured in another way, which is said |
| *ignored* | it is left aside with a warning, and the deploy goes on |
| **refused** | no deploy starts; the hint says what to write instead |

The column *Swarm* says what `docker stack deploy` (Docker CLI 29, format 3.13) does with the same
file: *yes*, *ignored* (with or without a word), or *refused* (the whole file is).

Keys that begin with `x-` mean nothing, but for `x-landfall`, which has [a page of its
own](x-landfall.md). A key that the specification does not have is an error.
";

/// The whole document.
pub(crate) fn markdown() -> String {
    let mut out = HEAD.to_owned();
    for section in SECTIONS {
        let _ = writeln!(out, "\n## {}\n", section.title);
        table(&mut out, section);
    }
    out.push_str(
        "\n## Where landfall reads a file in another way than `docker compose` 2.40.3\n\n\
         | what | why |\n|---|---|\n",
    );
    for difference in DIFFERENCES {
        let _ = writeln!(out, "| {} | {} |", cell(difference.what), cell(difference.why));
    }
    out
}

fn table(out: &mut String, section: &Section) {
    out.push_str("| key | for | landfall | Swarm |\n|---|---|---|---|\n");
    for row in section.rows {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} |",
            key(row, section.prefix),
            cell(row.meaning),
            here(row.landfall),
            swarm(row.swarm)
        );
    }
}

/// `ports[].target`, or `pull_policy: daily`.
fn key(row: &Row, prefix: &str) -> String {
    let below = spelled(row.path).split_off(spelled(prefix).len());
    let below = below.trim_start_matches('.');
    match row.value {
        Some(value) => format!("`{below}: {}`", value.replace('*', "…")),
        None => format!("`{below}`"),
    }
}

/// A path as people write it: `depends_on.NAME.condition`, `ports[].target`.
fn spelled(path: &str) -> String {
    let mut out = String::new();
    let mut shapes = vec![&FILE];
    for segment in path.split('.').filter(|segment| !segment.is_empty()) {
        let kinds = shapes.iter().flat_map(|shape| shape.kinds);
        let (names, below): (bool, Vec<&Shape>) = if segment == "*" {
            let lists: Vec<&Shape> = kinds.clone().filter_map(Kind::items).collect();
            let named: Vec<&Shape> = kinds.filter_map(Kind::named).collect();
            (!named.is_empty(), [lists, named].concat())
        } else {
            (false, kinds.filter_map(|kind| kind.key(segment)).collect())
        };
        match (segment, names) {
            ("*", true) => out.push_str(".NAME"),
            ("*", false) => out.push_str("[]"),
            _ if out.is_empty() => out.push_str(segment),
            _ => {
                out.push('.');
                out.push_str(segment);
            }
        }
        shapes = below;
    }
    out
}

fn here(here: Here) -> String {
    match here {
        Here::Yes => "yes".to_owned(),
        Here::Differently(how) => format!("**differently**: {}", cell(how)),
        Here::Ignored(instead) => format!("*ignored*: {}", cell(instead)),
        Here::Refused("") => "**refused**".to_owned(),
        Here::Refused(instead) => format!("**refused**: {}", cell(instead)),
        Here::Outer => "〃".to_owned(),
    }
}

fn swarm(swarm: Swarm) -> String {
    match swarm {
        Swarm::Yes => "yes".to_owned(),
        Swarm::Partly(far) => format!("in part: {}", cell(far)),
        Swarm::Ignored => "ignored".to_owned(),
        Swarm::Refused => "refused".to_owned(),
    }
}

/// A text inside of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}
