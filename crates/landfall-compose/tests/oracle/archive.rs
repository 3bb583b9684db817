//! Many cases in one text: a case is a name, how it is called, and its files.
//!
//! ```text
//! === name of the case
//! $ -f compose.yaml --profile x     arguments of the command line
//! @ NAME=value                      the shell's environment, one a line
//! % cd sub                          where the user stands
//! --- path/of/a/file                then its content; `crlf`, `bom`, `noeol` behind it change it
//! --- link -> target                a symbolic link
//! --- one, --- two                  keys of a service `web` in compose.yaml and in over.yaml
//! --- service NAME, --- more        another service, and what is no service, in compose.yaml
//! ```
//!
//! A case that begins without a section is a service `web` alone. `#` begins a comment outside cases.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// One project, and how it is loaded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) arguments: Vec<String>,
    pub(crate) environment: BTreeMap<String, String>,
    /// Relative to the project.
    pub(crate) stands_in: String,
    pub(crate) files: BTreeMap<String, String>,
    pub(crate) links: BTreeMap<String, String>,
}

impl Case {
    /// A file's text, however it is called.
    pub(crate) fn with(mut self, path: &str, text: String) -> Self {
        self.files.insert(path.to_owned(), text);
        self
    }

    /// The case as it stands in an archive, all files written out.
    pub(crate) fn to_text(&self) -> String {
        let mut text = format!("=== {}\n", self.name);
        if !self.arguments.is_empty() {
            let _ = writeln!(text, "$ {}", self.arguments.join(" "));
        }
        for (name, value) in &self.environment {
            let _ = writeln!(text, "@ {name}={value}");
        }
        for (path, content) in &self.files {
            let _ = write!(text, "--- {path}\n{content}");
        }
        text
    }
}

/// All cases of an archive; panics at what it does not understand.
pub(crate) fn parse(text: &str) -> Vec<Case> {
    let mut cases: Vec<Draft> = Vec::new();
    for line in text.split_inclusive('\n') {
        let words = line.trim_end_matches('\n');
        if let Some(name) = words.strip_prefix("=== ") {
            cases.push(Draft::new(name));
            continue;
        }
        let Some(draft) = cases.last_mut() else {
            assert!(words.is_empty() || words.starts_with('#'), "text before a case: {words}");
            continue;
        };
        draft.line(line, words);
    }
    cases.into_iter().map(Draft::finish).collect()
}

/// A case that is being read.
#[derive(Default)]
struct Draft {
    case: Case,
    /// Sections by their heading, in order.
    sections: Vec<(String, String)>,
}

impl Draft {
    fn new(name: &str) -> Self {
        let case = Case { name: name.to_owned(), ..Case::default() };
        Self { case, sections: Vec::new() }
    }

    fn line(&mut self, line: &str, words: &str) {
        if let Some(heading) = words.strip_prefix("--- ") {
            self.sections.push((heading.to_owned(), String::new()));
        } else if let Some((_, content)) = self.sections.last_mut() {
            content.push_str(line);
        } else if let Some(arguments) = words.strip_prefix("$ ") {
            self.case.arguments = arguments.split(' ').map(str::to_owned).collect();
        } else if let Some(pair) = words.strip_prefix("@ ") {
            let (name, value) = pair.split_once('=').expect("a name and a value");
            self.case.environment.insert(name.to_owned(), value.to_owned());
        } else if let Some(folder) = words.strip_prefix("% cd ") {
            folder.clone_into(&mut self.case.stands_in);
        } else {
            self.sections.push(("one".to_owned(), line.to_owned()));
        }
    }

    fn finish(self) -> Case {
        let mut case = self.case;
        let mut composed = String::new();
        let mut more = String::new();
        for (heading, content) in self.sections {
            match heading.split(' ').collect::<Vec<_>>()[..] {
                ["one"] => composed.insert_str(0, &service("web", &content, true)),
                ["two"] => {
                    let text = format!("services:\n{}", service("web", &content, false));
                    case.files.insert("over.yaml".to_owned(), text);
                    case.arguments =
                        ["-f", "compose.yaml", "-f", "over.yaml"].map(Into::into).into();
                }
                ["service", name] => composed += &service(name, &content, false),
                ["more"] => more = content,
                [link, "->", target] => {
                    case.links.insert(link.to_owned(), target.to_owned());
                }
                [path, "crlf"] => {
                    case.files.insert(path.to_owned(), content.replace('\n', "\r\n"));
                }
                [path, "noeol"] => {
                    let content = content.strip_suffix('\n').unwrap_or(&content);
                    case.files.insert(path.to_owned(), content.to_owned());
                }
                [path, "bom"] => {
                    case.files.insert(path.to_owned(), format!("\u{feff}{content}"));
                }
                _ => {
                    case.files.insert(heading, content);
                }
            }
        }
        if composed.is_empty() && case.files.is_empty() {
            composed = service("web", "", true);
        }
        if !composed.is_empty() {
            case.files.insert("compose.yaml".to_owned(), format!("services:\n{composed}{more}"));
        }
        case
    }
}

/// A service with these keys; with an image, unless it has one.
fn service(name: &str, keys: &str, with_image: bool) -> String {
    let has_image = keys.lines().any(|line| line.starts_with("image:"));
    let mut text = format!("  {name}:\n");
    if with_image && !has_image {
        text += "    image: i\n";
    }
    for line in keys.split_inclusive('\n') {
        let indent = if line.trim().is_empty() { "" } else { "    " };
        text = text + indent + line;
    }
    text
}
