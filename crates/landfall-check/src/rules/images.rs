//! Which images run.

use std::collections::BTreeMap;

use landfall_core::diagnostic::Severity::{Note, Warning};

use crate::facts::{App, Image, Service};
use crate::finding::Out;
use crate::know::Family;
use crate::rule::Rule;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "image-latest",
        severity: Warning,
        title: "an image without a version",
        why: "`latest`, which is also what an image without a tag means, is whatever was pushed last. \
            A restart on another host, a pull by someone else or a redeploy of the same file brings a \
            different program, and nothing in the file says which one ran before. landfall seals the \
            image's digest into each release, so a rollback is exact, but the next deploy of an \
            unchanged file may still bring a new major version.",
        fix: "name a version, for example `postgres:16.4`, or a digest",
        before: "services:\n  db:\n    image: postgres\n",
        after: "services:\n  db:\n    image: postgres:16.4\n",
        run: latest,
    },
    Rule {
        id: "image-moving-tag",
        severity: Note,
        title: "an image whose tag is a word",
        why: "Tags like `stable`, `main` or `alpine` name no version: they are moved to each new one, \
            major versions included. It is `latest` by another name.",
        fix: "add the version: `redis:7.4-alpine` instead of `redis:alpine`",
        before: "services:\n  cache:\n    image: redis:alpine\n",
        after: "services:\n  cache:\n    image: redis:7.4-alpine\n",
        run: moving_tag,
    },
    Rule {
        id: "development-image",
        severity: Warning,
        title: "an image that is made for development",
        why: "An image or Dockerfile called `dev` carries compilers, watchers and a development server. \
            It is slow, reloads on changes, shows stack traces to visitors and is not what was tested.",
        fix: "build and run the production image: another Dockerfile, or another `target`",
        before: "services:\n  web:\n    image: example/web-dev:1.2\n",
        after: "services:\n  web:\n    image: example/web:1.2\n",
        run: development_image,
    },
    Rule {
        id: "image-skew",
        severity: Warning,
        title: "services that run different versions of one image",
        why: "Web, workers and scheduler of an app are one program: they share the database's schema and \
            the format of queued tasks. When one of them has an older version it fails on what the \
            others write, and only sometimes.",
        fix: "name the version once, as `${VERSION:?}` or in a shared `x-` anchor",
        before: "services:\n  web:\n    image: web:1.4.2\n  worker:\n    image: web:1.4.1\n",
        after: "services:\n  web:\n    image: web:1.4.2\n  worker:\n    image: web:1.4.2\n",
        run: skew,
    },
];

fn named<'s, 'a>(app: &'s App<'a>) -> impl Iterator<Item = (&'s Service<'a>, &'s Image<'a>)> {
    app.services().filter_map(|service| Some((service, service.image.as_ref()?)))
}

fn latest(app: &App<'_>, out: &mut Out) {
    for (service, image) in named(app) {
        let Some(at) = image.at() else { continue };
        let is_latest = matches!(image.tag.as_deref(), None | Some("latest"));
        // What is built here has the name for a label, not for a choice.
        let is_built = service.has_build() && image.tag.is_none();
        if !is_latest || image.has_digest || is_built || image.text.is_empty() {
            continue;
        }
        let written = image.view.map(landfall_compose::View::source).unwrap_or_default();
        let name = service.name;
        if written.contains("latest}") {
            let message = format!("`{name}` falls back to `latest` when its variable is not set");
            let hint = "write `${TAG:?}`, so that a deploy without a version is refused";
            out.service(service, at, message).hint(hint);
        } else if image.tag.is_none() {
            out.service(service, at, format!("`{name}` runs an image without a tag"));
        } else {
            out.service(service, at, format!("`{name}` runs `latest`"));
        }
    }
}

fn skew(app: &App<'_>, out: &mut Out) {
    let mut first: BTreeMap<&str, (&Service<'_>, &Image<'_>)> = BTreeMap::new();
    for (service, image) in named(app).filter(|(service, _)| service.family == Family::App) {
        let (known, theirs) = *first.entry(&image.repository).or_insert((service, image));
        // `7.3` and `7.3-full` are two images of one version.
        let version = |image: &Image<'_>| {
            let tag = image.tag.as_deref().unwrap_or("latest");
            tag.split(['-', '_']).next().unwrap_or_default().to_owned()
        };
        let is_version = |text: &str| text.chars().any(|c| c.is_ascii_digit());
        let (ours, other) = (version(image), version(theirs));
        if ours != other
            && is_version(&ours)
            && is_version(&other)
            && let (Some(at), Some(there)) = (image.at(), theirs.at())
        {
            let name = service.name;
            let message =
                format!("`{name}` runs another version of its image than `{}`", known.name);
            out.service(service, at, message)
                .related(there, format!("`{}` runs this one", known.name));
        }
    }
}

fn moving_tag(app: &App<'_>, out: &mut Out) {
    for (service, image) in named(app) {
        let Some(tag) = image.tag.as_deref().filter(|tag| *tag != "latest") else { continue };
        let has_number = tag.chars().any(|c| c.is_ascii_digit());
        let is_hash = tag.len() >= 7 && tag.chars().all(|c| c.is_ascii_hexdigit());
        if has_number || is_hash || image.has_digest || service.has_build() || tag.is_empty() {
            continue;
        }
        if let Some(at) = image.at() {
            let message =
                format!("the tag `{tag}` of `{}` is moved to each new version", service.name);
            out.service(service, at, message);
        }
    }
}

fn development_image(app: &App<'_>, out: &mut Out) {
    if app.is_for_development() {
        return;
    }
    for service in app.services() {
        let words = ["dev", "devel", "development"];
        let image = service.image.as_ref().filter(|image| {
            let by_name = words.iter().any(|w| image.last.ends_with(&format!("-{w}")))
                || image.last.ends_with("_dev");
            by_name || image.tag.as_deref().is_some_and(|tag| words.contains(&tag))
        });
        if let Some(at) = image.and_then(Image::at) {
            let message = format!("`{}` runs an image that is made for development", service.name);
            out.service(service, at, message);
            continue;
        }
        let Some(build) = service.view.get("build") else { continue };
        let file = build.get("dockerfile").filter(|file| {
            let name = file.text().unwrap_or_default().to_ascii_lowercase();
            words.iter().any(|w| {
                name.ends_with(&format!(".{w}")) || name.contains(&format!("{w}.dockerfile"))
            })
        });
        let target = build.get("target").filter(|target| {
            target.text().is_some_and(|target| words.contains(&&*target.to_ascii_lowercase()))
        });
        if let Some(view) = file.or(target) {
            let message = format!("`{}` is built for development", service.name);
            out.service(service, view.at(), message);
        }
    }
}
