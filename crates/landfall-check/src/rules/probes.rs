//! Healthchecks that cannot work.

use landfall_compose::View;
use landfall_core::diagnostic::Severity::{Error, Warning};

use crate::facts::{App, CommandLine, Image, Service, exec_form, words_of};
use crate::finding::Out;
use crate::know;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "health-command-missing",
        severity: Error,
        title: "a healthcheck whose program is not in the image",
        why: "A healthcheck runs inside the container, with what the image has. Slim images have \
            neither curl nor wget, and images from scratch have no shell. The check then fails for \
            ever, the container is never healthy, and whatever waits for it never starts.",
        fix: "install the program in the image, or check with what is there, such as the app's language",
        before: "services:\n  web:\n    image: python:3.12-slim\n    healthcheck:\n      test: [CMD, curl, \
            -f, http://localhost:8000/]\n",
        after: "services:\n  web:\n    image: python:3.12-slim\n    healthcheck:\n      test: [CMD, \
            python, /app/check.py]\n",
        run: command_missing,
    },
    Rule {
        id: "health-wrong-port",
        severity: Warning,
        title: "a healthcheck that asks a port on which nobody listens",
        why: "The check asks a port that the service declares nowhere: usually the host's side of \
            `ports`, or what was right before a change. The container is never healthy.",
        fix: "use the container's port: the one on the right side of `ports`",
        before: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"8080:3000\"]\n    healthcheck:\n\
            \u{20}     test: [CMD, wget, -q, http://localhost:8080/]\n",
        after: "services:\n  web:\n    image: web:1.4.2\n    ports: [\"8080:3000\"]\n    healthcheck:\n\
            \u{20}     test: [CMD, wget, -q, http://localhost:3000/]\n",
        run: wrong_port,
    },
];

/// The check of a service: of the compose file, or else of the Dockerfile.
fn test(app: &App<'_>, service: &Service<'_>) -> Option<CommandLine> {
    if let Some(check) = service.view.get("healthcheck") {
        let view = check.get("test")?;
        let words = match view.text() {
            Some(text) => vec!["CMD-SHELL".to_owned(), text.to_owned()],
            None => words_of(view),
        };
        return Some(CommandLine { words, at: view.at() });
    }
    let file = service.dockerfile(app)?;
    let instruction = file.last("HEALTHCHECK")?;
    let rest = instruction.rest.split_once("CMD").map(|(_, rest)| rest.trim())?;
    let words = match exec_form(rest) {
        Some(words) => std::iter::once("CMD".to_owned()).chain(words).collect(),
        None => vec!["CMD-SHELL".to_owned(), rest.to_owned()],
    };
    Some(CommandLine { words, at: file.at(instruction) })
}

/// The programs that a check calls: the first word of each part of a script.
fn programs(test: &CommandLine) -> Vec<String> {
    match test.words.split_first() {
        Some((kind, rest)) if kind == "CMD" => rest.iter().take(1).cloned().collect(),
        Some((kind, [script, ..])) if kind == "CMD-SHELL" => {
            let parts = script.split(['|', ';', '&', '\n']);
            let words = parts.filter_map(|part| {
                let mut words = part.split_whitespace().filter(|word| {
                    !word.contains('=') && !matches!(*word, "if" | "then" | "else" | "!" | "exec")
                });
                words.next().map(|word| word.trim_matches(['"', '\'', '(', ')']).to_owned())
            });
            std::iter::once("sh".to_owned()).chain(words).collect()
        }
        _ => Vec::new(),
    }
}

fn command_missing(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(test) = test(app, service) else { continue };
        let file = service.dockerfile(app);
        let base = match (&service.image, file) {
            (_, Some(file)) => file.base().map(Image::parse),
            (Some(image), None) if !service.has_build() => Some(Image::parse(&image.text)),
            _ => None,
        };
        let Some(base) = base else { continue };
        let missing = programs(&test).into_iter().find(|program| {
            let is_added = file.is_some_and(|file| {
                let adds = |i: &&&crate::facts::Instruction| {
                    matches!(&*i.keyword, "RUN" | "COPY" | "ADD") && mentions(&i.rest, program)
                };
                file.effective().iter().any(|i| adds(&i))
            });
            know::lacks_tool(&base, program) && !is_added
        });
        if let Some(program) = missing {
            let name = service.name;
            let message =
                format!("the healthcheck of `{name}` calls `{program}`, which is not in its image");
            out.service(service, test.at, message);
        }
    }
}

fn mentions(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(|part| part == word)
}

fn wrong_port(app: &App<'_>, out: &mut Out) {
    for service in app.services() {
        let Some(test) = test(app, service) else { continue };
        let host_net = service.view.get("network_mode").is_some();
        let Some(port) = asked_port(&test.words.join(" ")).filter(|_| !host_net) else { continue };
        let declared = declared_ports(app, service);
        if declared.is_empty() || declared.contains(&port) || is_mentioned(app, service, port) {
            continue;
        }
        let known: Vec<String> = declared.iter().take(3).map(u16::to_string).collect();
        let message = format!("the healthcheck of `{}` asks port {port}", service.name);
        let known = known.join(", ");
        let finding = out.service(service, test.at, message);
        finding.hint(format!("the service listens on {known}, as far as its files say"));
        if let Some(port) = service.ports.iter().find(|p| p.publishes(port)) {
            finding.related(port.at.clone(), "it is the host's side of this");
        }
    }
}

/// The port of the first URL to the container itself.
fn asked_port(text: &str) -> Option<u16> {
    let starts = ["localhost:", "127.0.0.1:", "0.0.0.0:", "[::1]:"];
    let at = starts.iter().filter_map(|s| Some((text.find(s)?, s.len()))).min()?;
    let rest = &text[at.0 + at.1..];
    let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

fn declared_ports(app: &App<'_>, service: &Service<'_>) -> Vec<u16> {
    let mut ports: Vec<u16> = Vec::new();
    for port in &service.ports {
        ports.extend((port.target.0..=port.target.1).take(64));
    }
    let number = |text: &str| text.split(['/', '-']).next().and_then(|n| n.parse::<u16>().ok());
    let exposed = service.view.get("expose").into_iter().flat_map(View::items);
    ports.extend(exposed.filter_map(View::printed).filter_map(|text| number(&text)));
    if let Some(expose) = service.dockerfile(app).and_then(|file| file.last("EXPOSE")) {
        ports.extend(expose.rest.split_whitespace().filter_map(number));
    }
    ports
}

/// Whether the number stands in the command, a variable or the Dockerfile.
fn is_mentioned(app: &App<'_>, service: &Service<'_>, port: u16) -> bool {
    let number = port.to_string();
    let has = |text: &str| mentions(text, &number);
    service.runs(app).is_some_and(|runs| runs.words.iter().any(|word| has(word)))
        || service.environment.iter().any(|variable| has(variable.value()))
        || service.dockerfile(app).is_some_and(|file| {
            let mut all = file.all().filter(|i| i.keyword != "HEALTHCHECK");
            all.any(|i| has(&i.rest))
        })
}
