//! What a Dockerfile tells about the app in it: ports, volumes, the command, whether it has a check.
//!
//! A reader of instructions, not of everything that may stand in a Dockerfile: of several stages the
//! last one counts, with what it inherits from stages named in `FROM`.

use std::collections::BTreeMap;

/// More lines than this are no Dockerfile.
const LINES_MAX: usize = 10_000;

/// What was found in the last stage.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Dockerfile {
    /// Image of the last stage's first ancestor.
    pub(crate) base: String,
    /// TCP ports of `EXPOSE`.
    pub(crate) exposed: Vec<u16>,
    /// Paths of `VOLUME`.
    pub(crate) volumes: Vec<String>,
    pub(crate) has_healthcheck: bool,
    /// Words of `ENTRYPOINT` and `CMD` together.
    pub(crate) command: String,
    entrypoint: String,
    variables: BTreeMap<String, String>,
}

/// Reads the text of a Dockerfile.
pub(crate) fn read(text: &str) -> Dockerfile {
    let mut stages: BTreeMap<String, Dockerfile> = BTreeMap::new();
    let mut arguments = BTreeMap::new();
    let mut current: Option<(String, Dockerfile)> = None;
    for line in instructions(text) {
        let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((&line, ""));
        let rest = rest.trim();
        match (word.to_ascii_uppercase().as_str(), &mut current) {
            ("FROM", _) => {
                if let Some((name, stage)) = current.take() {
                    stages.insert(name, stage);
                }
                current = Some(from(rest, &arguments, &stages));
            }
            ("ARG", None) => assign(rest, &mut arguments),
            (word, Some((_, stage))) => stage.take(word, rest),
            (_, None) => {}
        }
    }
    let last = current.map(|(_, stage)| stage).unwrap_or_default();
    let command = format!("{} {}", last.entrypoint, last.command);
    Dockerfile { command: command.trim().to_owned(), ..last }
}

/// `image AS name`, where the image may be an earlier stage.
fn from(
    rest: &str,
    arguments: &BTreeMap<String, String>,
    stages: &BTreeMap<String, Dockerfile>,
) -> (String, Dockerfile) {
    let words: Vec<&str> = rest.split_whitespace().filter(|word| !word.starts_with("--")).collect();
    let image = filled(words.first().copied().unwrap_or_default(), arguments);
    let is_named = words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as"));
    let name = words.get(2).filter(|_| is_named).map(|name| name.to_lowercase());
    let stage = stages.get(&image.to_lowercase()).cloned();
    let stage = stage.unwrap_or_else(|| Dockerfile { base: image, ..Dockerfile::default() });
    (name.unwrap_or_else(|| stages.len().to_string()), stage)
}

impl Dockerfile {
    fn take(&mut self, word: &str, rest: &str) {
        match word {
            "ENV" | "ARG" => assign(rest, &mut self.variables),
            "EXPOSE" => {
                let rest = filled(rest, &self.variables);
                let tcp =
                    rest.split_whitespace().filter(|port| !port.to_lowercase().ends_with("/udp"));
                let numbers = tcp.filter_map(|port| port.split(['/', '-']).next()?.parse().ok());
                for port in numbers {
                    if !self.exposed.contains(&port) {
                        self.exposed.push(port);
                    }
                }
            }
            "VOLUME" => self.volumes.extend(words(&filled(rest, &self.variables))),
            "HEALTHCHECK" => self.has_healthcheck = !rest.eq_ignore_ascii_case("NONE"),
            "ENTRYPOINT" => {
                self.entrypoint = words(&filled(rest, &self.variables)).join(" ");
                self.command.clear();
            }
            "CMD" => self.command = words(&filled(rest, &self.variables)).join(" "),
            _ => {}
        }
    }
}

/// `A=1 B="2"` or `A 1`.
fn assign(rest: &str, into: &mut BTreeMap<String, String>) {
    if !rest.contains('=') {
        if let Some((name, value)) = rest.split_once(char::is_whitespace) {
            into.insert(name.to_owned(), value.trim().to_owned());
        }
        return;
    }
    for pair in rest.split_whitespace() {
        if let Some((name, value)) = pair.split_once('=') {
            let value = filled(value.trim_matches(['"', '\'']), into);
            into.insert(name.to_owned(), value);
        }
    }
}

/// `["a", "b"]` or plain words.
fn words(text: &str) -> Vec<String> {
    serde_json::from_str::<Vec<String>>(text)
        .unwrap_or_else(|_| text.split_whitespace().map(str::to_owned).collect())
}

/// Variables replaced by what the Dockerfile itself says; unknown ones stay.
fn filled(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = text.to_owned();
    for (name, value) in variables {
        out = out.replace(&format!("${{{name}}}"), value);
    }
    // Longer names first, so that `$PORTS` is not taken for `$PORT`.
    let mut names: Vec<_> = variables.iter().collect();
    names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
    for (name, value) in names {
        out = out.replace(&format!("${name}"), value);
    }
    out
}

/// Lines with continuations joined, without comments.
fn instructions(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().take(LINES_MAX).map(str::trim) {
        if line.starts_with('#') || (line.is_empty() && !open) {
            continue;
        }
        let (line, goes_on) = match line.strip_suffix('\\') {
            Some(line) => (line.trim_end(), true),
            None => (line, false),
        };
        match out.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(line);
            }
            None => out.push(line.to_owned()),
        }
        open = goes_on;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_stage_counts_with_what_it_inherits() {
        let text = "ARG NODE=22\nFROM node:${NODE}-slim AS base\nENV PORT=3000\nEXPOSE $PORT\n\
                    FROM base AS build\nRUN npm ci \\\n  && npm run build\nEXPOSE 9229\n\
                    FROM base\n# how it runs\nVOLUME [\"/data\"]\nENTRYPOINT [\"node\"]\n\
                    CMD [\"server.js\", \"--port\", \"${PORT}\"]\n";
        let found = read(text);
        assert_eq!(found.base, "node:22-slim");
        assert_eq!(found.exposed, [3000]);
        assert_eq!(found.volumes, ["/data"]);
        assert_eq!(found.command, "node server.js --port 3000");
        assert!(!found.has_healthcheck);
    }

    #[test]
    fn ports_are_tcp_and_a_check_may_be_switched_off() {
        let found =
            read("from nginx\nexpose 80/tcp 443 53/udp 80\nhealthcheck none\ncmd nginx -g x\n");
        assert_eq!(found.exposed, [80, 443]);
        assert!(!found.has_healthcheck);
        assert!(read("FROM a\nHEALTHCHECK --interval=5s CMD true\n").has_healthcheck);
        assert_eq!(read(""), Dockerfile::default());
    }
}
