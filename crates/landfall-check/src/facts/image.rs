//! The reference of an image, taken apart.

use landfall_compose::View;
use landfall_core::diagnostic::Location;

/// The image that a service names.
pub(crate) struct Image<'a> {
    pub(crate) text: String,
    /// The last part of its name, without tag and digest.
    pub(crate) last: String,
    /// Its name with registry, without tag and digest.
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(crate) has_digest: bool,
    pub(crate) view: Option<View<'a>>,
}

impl<'a> Image<'a> {
    pub(crate) fn of(view: View<'a>) -> Option<Self> {
        let mut image = Self::parse(&view.printed()?);
        image.view = Some(view);
        Some(image)
    }

    /// Takes a reference apart; a `:` before the last `/` belongs to the registry.
    pub(crate) fn parse(text: &str) -> Self {
        let (name, digest) = text.split_once('@').map_or((text, None), |(n, d)| (n, Some(d)));
        let (folder, last) = name.rsplit_once('/').map_or(("", name), |(f, l)| (f, l));
        let (last, tag) = last.split_once(':').map_or((last, None), |(l, t)| (l, Some(t)));
        let repository = if folder.is_empty() { last.into() } else { format!("{folder}/{last}") };
        Self {
            text: text.to_owned(),
            last: last.to_ascii_lowercase(),
            repository,
            tag: tag.map(str::to_ascii_lowercase),
            has_digest: digest.is_some(),
            view: None,
        }
    }

    /// Whether the reference is of one of these names, whoever packs them.
    pub(crate) fn is_one_of(&self, names: &[&str]) -> bool {
        names.contains(&self.last.as_str())
    }

    /// Whether a tag or a name says that it is built on this.
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.tag.as_deref().is_some_and(|tag| tag.split(['-', '.', '_']).any(|part| part == word))
    }

    pub(crate) fn at(&self) -> Option<Location> {
        self.view.map(View::at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        let cases = [
            ("nginx", "nginx", "nginx", None, false),
            ("nginx:1.25-alpine", "nginx", "nginx", Some("1.25-alpine"), false),
            ("host:5000/team/app", "host:5000/team/app", "app", None, false),
            ("host:5000/app:v1@sha256:ab", "host:5000/app", "app", Some("v1"), true),
        ];
        for (text, repository, last, tag, digest) in cases {
            let image = Image::parse(text);
            let got = (&*image.repository, &*image.last, image.tag.as_deref(), image.has_digest);
            assert_eq!(got, (repository, last, tag, digest), "{text}");
        }
    }
}
