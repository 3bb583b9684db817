//! nginx configurations that a service mounts or copies into its image: directives with places.

use std::path::{Path, PathBuf};

use landfall_core::diagnostic::Location;

use super::{App, Kinded as _, Service, place};
use crate::know;

/// Files of one service that are read.
const FILES_MAX: usize = 32;
/// Directives of one file that are read.
const DIRECTIVES_MAX: usize = 20_000;

/// A directive; blocks are flattened, so `server` of an `upstream` has words and a `server` block none.
#[derive(Debug)]
pub(crate) struct Directive {
    pub(crate) words: Vec<String>,
    pub(crate) at: Location,
}

impl Directive {
    pub(crate) fn name(&self) -> &str {
        self.words.first().map_or("", String::as_str)
    }

    pub(crate) fn argument(&self) -> &str {
        self.words.get(1).map_or("", String::as_str)
    }
}

/// Every directive of the nginx files of a service.
pub(crate) fn nginx_files(app: &App<'_>, service: &Service<'_>) -> Vec<Directive> {
    let mut paths = Vec::new();
    let is_nginx = service.image.as_ref().is_some_and(|image| image.last.contains("nginx"));
    for mount in service.mounts.iter().filter(|mount| mount.is_bind()) {
        let is_config = mount.target.starts_with("/etc/nginx")
            || mount.target.contains("nginx/conf")
            || (is_nginx && know::extension(&mount.target) == "conf");
        if let Some(path) = mount.path.as_deref().filter(|_| is_config) {
            paths.extend(files(app, path));
        }
    }
    if let (Some(file), Some(context)) = (service.dockerfile(app), service.context(app)) {
        for copy in file.effective().iter().filter(|i| matches!(&*i.keyword, "COPY" | "ADD")) {
            let words: Vec<&str> = copy.rest.split_whitespace().collect();
            let [sources @ .., target] = &words[..] else { continue };
            let from_stage = sources.iter().any(|word| word.starts_with("--from"));
            if target.starts_with("/etc/nginx") && !from_stage {
                let sources = sources.iter().filter(|word| !word.starts_with("--"));
                paths.extend(sources.flat_map(|source| files(app, &context.join(source))));
            }
        }
    }
    paths.truncate(FILES_MAX);
    let read = |path: PathBuf| {
        let text = app.text(&path)?;
        Some(parse(&app.shown(&path), &text))
    };
    paths.into_iter().filter_map(read).flatten().collect()
}

fn files(app: &App<'_>, path: &Path) -> Vec<PathBuf> {
    if app.kind(path).is_file() {
        return vec![path.to_owned()];
    }
    let is_config = |name: &String| matches!(know::extension(name), "conf" | "template");
    let names = app.names(path).into_iter().filter(is_config);
    names.map(|name| path.join(name)).filter(|path| app.kind(path).is_file()).collect()
}

/// Splits a configuration into directives.
pub(crate) fn parse(shown: &str, text: &str) -> Vec<Directive> {
    let mut directives = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let (mut line, mut column) = (1_u32, 0_u32);
    let mut start = (1_u32, 1_u32);
    let mut quote = None;
    let mut comment = false;
    for c in text.chars() {
        column += 1;
        let (here, closes) = ((line, column), quote == Some(c));
        if c == '\n' {
            (line, column, comment) = (line + 1, 0, false);
        }
        if comment {
            continue;
        }
        if quote.is_some() {
            if closes {
                quote = None;
            } else {
                word.push(c);
            }
            continue;
        }
        // `${NAME}` of templates is no block.
        let opens_variable = c == '{' && word.ends_with('$');
        match c {
            '"' | '\'' if word.is_empty() => quote = Some(c),
            '#' if word.is_empty() => comment = true,
            ';' | '{' | '}' if !opens_variable && (c != '}' || !word.contains("${")) => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                if !words.is_empty() && directives.len() < DIRECTIVES_MAX {
                    let at = place(shown, start.0, start.1);
                    directives.push(Directive { words: std::mem::take(&mut words), at });
                }
            }
            c if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            c => {
                if words.is_empty() && word.is_empty() {
                    start = here;
                }
                word.push(c);
            }
        }
    }
    directives
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_have_words_and_places() {
        let text = "upstream app {\n  server web:8000; # one\n}\nserver {\n  listen 80;\n  \
            proxy_pass http://${UPSTREAM};\n  add_header X \"a; b\";\n}\n";
        let shown = parse("a.conf", text).into_iter().map(|d| format!("{} {:?}", d.at, d.words));
        assert_eq!(
            shown.collect::<Vec<_>>(),
            [
                "a.conf:1:1 [\"upstream\", \"app\"]",
                "a.conf:2:3 [\"server\", \"web:8000\"]",
                "a.conf:4:1 [\"server\"]",
                "a.conf:5:3 [\"listen\", \"80\"]",
                "a.conf:6:3 [\"proxy_pass\", \"http://${UPSTREAM}\"]",
                "a.conf:7:3 [\"add_header\", \"X\", \"a; b\"]",
            ]
        );
    }
}
