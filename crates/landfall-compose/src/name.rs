//! The app's name, from wherever Compose takes it.

use std::path::Path;

use landfall_core::id::AppName;

use crate::report::{Code, Report};
use crate::yaml::Node;

/// Where a name may come from, the first that is there counts.
pub(crate) struct Wanted<'a> {
    /// `-p`.
    pub(crate) given: Option<&'a str>,
    /// `COMPOSE_PROJECT_NAME`.
    pub(crate) variable: Option<&'a str>,
    /// `name:` of the file.
    pub(crate) written: Option<&'a Node>,
    /// The folder, whose name is bent into shape.
    pub(crate) directory: &'a Path,
}

/// The name, or what is wrong with it.
pub(crate) fn app_name(wanted: &Wanted<'_>, report: &mut Report) -> Option<AppName> {
    let (text, place) = match (wanted.given, wanted.variable, wanted.written) {
        (Some(given), ..) => (given.to_owned(), None),
        (None, Some(variable), _) => (variable.to_owned(), None),
        (None, None, Some(node)) if node.as_text().is_some_and(|text| !text.is_empty()) => {
            (normalised(node.as_text().unwrap_or_default()), Some(node.span))
        }
        (None, None, Some(node)) if node.is_refused() => return None,
        (None, None, Some(node)) if node.as_text().is_none() && !node.is_null() => {
            let message = format!("`name` must be a text, not {}", node.value.kind());
            report.error(Code::WrongType, node.span, message).hint("put it in quotes");
            return None;
        }
        _ => {
            let folder = wanted.directory.file_name().unwrap_or_default();
            (normalised(&folder.to_string_lossy()), None)
        }
    };
    match text.parse() {
        Ok(name) => Some(name),
        Err(error) if text.is_empty() => {
            report
                .error(
                    Code::InvalidName,
                    place,
                    match place {
                        Some(_) => "nothing of this name can be an app's name",
                        None => "the app has no name, and its folder gives none",
                    },
                )
                .hint(format!("write `name:` at the top of the file; {}", error.rule));
            None
        }
        Err(error) => {
            report.error(Code::InvalidName, place, error.to_string());
            None
        }
    }
}

/// A name as Compose makes a project name of it.
fn normalised(name: &str) -> String {
    let name = name.to_lowercase();
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let kept: String = name.chars().filter(good).collect();
    kept.trim_start_matches(['-', '_']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_give_names_as_compose_does() {
        let cases = [("My.App", "myapp"), ("_x-1", "x-1"), ("", ""), ("日本", "")];
        for (folder, expected) in cases {
            assert_eq!(normalised(folder), expected, "{folder}");
        }
    }
}
