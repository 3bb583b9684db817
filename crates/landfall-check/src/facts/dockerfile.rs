//! Dockerfiles, as far as rules need them: instructions with their lines, and stages.

use landfall_core::diagnostic::Location;

use super::command::{CommandLine, split};

/// A parsed Dockerfile.
#[derive(Debug)]
pub(crate) struct Dockerfile {
    /// Its name for messages.
    pub(crate) shown: String,
    stages: Vec<Stage>,
    target: Option<usize>,
}

#[derive(Debug)]
struct Stage {
    name: Option<String>,
    base: String,
    instructions: Vec<Instruction>,
}

/// One instruction, its lines joined.
#[derive(Debug)]
pub(crate) struct Instruction {
    /// In upper case.
    pub(crate) keyword: String,
    pub(crate) rest: String,
    pub(crate) line: u32,
}

impl Dockerfile {
    /// Parses; `target` is the stage to build, the last one by default.
    pub(crate) fn parse(shown: &str, text: &str, target: Option<&str>) -> Self {
        let mut stages: Vec<Stage> = Vec::new();
        let mut arguments: Vec<(String, String)> = Vec::new();
        for instruction in instructions(text) {
            if instruction.keyword == "FROM" {
                stages.push(stage(&instruction.rest, &arguments));
            } else if let Some(stage) = stages.last_mut() {
                stage.instructions.push(instruction);
            } else if let Some((name, value)) = instruction.rest.split_once('=') {
                arguments.push((name.trim().to_owned(), value.trim().to_owned()));
            }
        }
        let wanted = |stage: &Stage| {
            stage.name.as_deref().zip(target).is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        let target = match target {
            Some(_) => stages.iter().position(wanted),
            None => stages.len().checked_sub(1),
        };
        Self { shown: shown.to_owned(), stages, target }
    }

    /// The stages that the image is made of, the last one first.
    fn chain(&self) -> Vec<&Stage> {
        let mut chain = Vec::new();
        let mut next = self.target;
        while let Some(index) = next {
            let Some(stage) = self.stages.get(index) else { break };
            chain.push(stage);
            // Only earlier stages can be built upon, so this ends.
            let is_base = |s: &Stage| {
                s.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(&stage.base))
            };
            next = self.stages[..index].iter().rposition(is_base);
        }
        chain
    }

    /// Every instruction that the image is made of, in order.
    pub(crate) fn effective(&self) -> Vec<&Instruction> {
        self.chain().into_iter().rev().flat_map(|stage| &stage.instructions).collect()
    }

    /// All instructions of all stages.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Instruction> {
        self.stages.iter().flat_map(|stage| &stage.instructions)
    }

    /// The last instruction of a kind.
    pub(crate) fn last(&self, keyword: &str) -> Option<&Instruction> {
        self.effective().into_iter().rev().find(|instruction| instruction.keyword == keyword)
    }

    /// The image that it starts from.
    pub(crate) fn base(&self) -> Option<&str> {
        self.chain().last().map(|stage| stage.base.as_str())
    }

    /// Where code lives: the last `WORKDIR`, relative ones joined.
    pub(crate) fn workdir(&self) -> Option<String> {
        let dirs = self.effective().into_iter().filter(|i| i.keyword == "WORKDIR");
        dirs.map(|i| i.rest.trim_matches('"')).fold(None, |before, dir| {
            Some(match before {
                _ if dir.starts_with('/') => dir.to_owned(),
                Some(before) => format!("{before}/{dir}"),
                None => format!("/{dir}"),
            })
        })
    }

    /// What `CMD` or `ENTRYPOINT` runs.
    pub(crate) fn command(&self, keyword: &str) -> Option<CommandLine> {
        let instruction = self.last(keyword)?;
        let words = match exec_form(&instruction.rest) {
            Some(words) => words,
            None => vec!["/bin/sh".into(), "-c".into(), instruction.rest.clone()],
        };
        Some(CommandLine { words, at: self.at(instruction) })
    }

    pub(crate) fn at(&self, instruction: &Instruction) -> Location {
        super::place(&self.shown, instruction.line, 1)
    }
}

fn stage(rest: &str, arguments: &[(String, String)]) -> Stage {
    let words: Vec<&str> = rest.split_whitespace().filter(|w| !w.starts_with("--")).collect();
    let mut base = words.first().copied().unwrap_or_default().to_owned();
    for (name, value) in arguments {
        base = base.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value);
    }
    let named = words.get(1).is_some_and(|word| word.eq_ignore_ascii_case("as"));
    let name = words.get(2).filter(|_| named).map(|name| (*name).to_owned());
    Stage { name, base, instructions: Vec::new() }
}

/// Joins continued lines and leaves comments out; here-documents stay as lines of nonsense, which
/// no rule asks for.
fn instructions(text: &str) -> Vec<Instruction> {
    let mut out: Vec<Instruction> = Vec::new();
    let mut open = false;
    for (line, number) in text.lines().zip(1_u32..) {
        let trimmed = line.trim();
        if trimmed.starts_with('#') || (trimmed.is_empty() && !open) {
            continue;
        }
        let (part, goes_on) = match trimmed.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (trimmed, false),
        };
        if let Some(last) = out.last_mut().filter(|_| open) {
            last.rest.push(' ');
            last.rest.push_str(part);
        } else {
            let (keyword, rest) = part.split_once(char::is_whitespace).unwrap_or((part, ""));
            let keyword = keyword.to_ascii_uppercase();
            out.push(Instruction { keyword, rest: rest.trim().to_owned(), line: number });
        }
        open = goes_on;
    }
    out
}

/// `["a", "b"]`.
pub(crate) fn exec_form(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix('[')?.strip_suffix(']')?;
    Some(split(&inner.replace("\",", "\" ").replace("' ,", "' ").replace("\" ,", "\" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "ARG BASE=python:3.12-slim\nFROM node:20 AS assets\nRUN npm run build\n\
        # comment\nFROM ${BASE} AS base\nWORKDIR /srv\nUSER app\n\nFROM base\nWORKDIR web\n\
        RUN apt-get update && \\\n    # inside\n    apt-get install -y curl\n\
        CMD [\"gunicorn\", \"-b\", \":8000\", \"app.wsgi\"]\n";

    #[test]
    fn stages_build_upon_each_other() {
        let file = Dockerfile::parse("Dockerfile", TEXT, None);
        assert_eq!(file.base(), Some("python:3.12-slim"));
        assert_eq!(file.workdir().as_deref(), Some("/srv/web"));
        assert_eq!(file.last("USER").map(|i| i.line), Some(7));
        let run = file.last("RUN").unwrap();
        assert_eq!(run.rest, "apt-get update && apt-get install -y curl");
        let command = file.command("CMD").unwrap();
        assert_eq!(command.words, ["gunicorn", "-b", ":8000", "app.wsgi"]);
        assert_eq!(command.at.line, 14);
    }

    #[test]
    fn the_target_is_what_counts() {
        let file = Dockerfile::parse("Dockerfile", TEXT, Some("assets"));
        assert_eq!(file.base(), Some("node:20"));
        assert!(Dockerfile::parse("Dockerfile", TEXT, Some("nowhere")).base().is_none());
    }
}
