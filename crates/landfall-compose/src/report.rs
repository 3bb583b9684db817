//! Collects findings while files are read: all of them, not only the first.
//!
//! Codes are stable: the first two digits name the stage that found it. Each has a page in
//! [`crate::codes`]. Rendering is elsewhere.

use landfall_core::diagnostic::{Diagnostic, Location, Severity};

use crate::model::Variables;
use crate::source::{Sources, Span};
use crate::suggest::did_you_mean;

/// More findings than this are counted, not kept.
const FINDINGS_MAX: usize = 500;

/// Further places that one warning about a variable names.
const UNSET_PLACES_MAX: usize = 3;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal,)*) => {
        /// What kind of finding it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Code { $($(#[$doc])* $name,)* }

        impl Code {
            /// Every code, for those who check that each is explained.
            #[cfg(test)]
            pub(crate) const ALL: &[Self] = &[$(Self::$name,)*];

            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }
        }
    };
}

codes! {
    /// A file cannot be found.
    FileMissing = "LF0101",
    /// A file cannot be read: I/O, size, encoding.
    FileUnreadable = "LF0102",
    /// Not YAML.
    YamlSyntax = "LF0103",
    /// A key stands twice in a mapping.
    DuplicateKey = "LF0104",
    /// Too much nesting or too many aliases.
    YamlLimit = "LF0105",
    /// A key that is no text, or a merge key of something that is no mapping.
    YamlShape = "LF0106",
    /// Nothing in it.
    Empty = "LF0107",
    /// A line of an environment file that breaks its grammar.
    EnvSyntax = "LF0108",
    /// A variable without a value.
    VariableUnset = "LF0201",
    /// A required variable without a value.
    VariableRequired = "LF0202",
    /// A `$` expression that breaks its grammar.
    VariableSyntax = "LF0203",
    /// A key that Compose does not have here.
    UnknownKey = "LF0301",
    /// A value of the wrong type.
    WrongType = "LF0302",
    /// A value that cannot be understood.
    InvalidValue = "LF0303",
    /// A name that breaks its rule.
    InvalidName = "LF0304",
    /// Two settings that exclude each other.
    Conflict = "LF0305",
    /// A setting that is needed.
    KeyMissing = "LF0306",
    /// A value that is read as something else than it looks.
    Surprising = "LF0307",
    /// A name that is defined nowhere.
    Undefined = "LF0401",
    /// Services wait for each other in a circle.
    Cycle = "LF0402",
    /// A service of a profile that is not enabled is needed.
    InactiveProfile = "LF0403",
    /// One host port is published twice.
    PortTaken = "LF0404",
    /// Part of Compose that landfall cannot do yet.
    NotSupported = "LF0501",
    /// Part of Compose that means nothing to landfall.
    Ignored = "LF0502",
    /// Cannot live beside a second release of itself.
    SideBySide = "LF0503",
    /// Part of Compose that landfall does in another way.
    Differently = "LF0504",
    /// A file or folder that is mounted or built does not exist.
    SourceMissing = "LF0601",
    /// Too much to be sealed into a release.
    TooLarge = "LF0602",
    /// Something that cannot be sealed into a release.
    NotSealable = "LF0603",
    /// `x-landfall` contradicts itself or the service.
    Contradiction = "LF0701",
    /// Taken for a workload by guessing; say so if it is wrong.
    Guessed = "LF0702",
}

impl Code {
    /// Whether it is about one value's form, of which no more than one thing need be said.
    fn is_form(self) -> bool {
        matches!(
            self,
            Self::UnknownKey
                | Self::WrongType
                | Self::InvalidValue
                | Self::InvalidName
                | Self::KeyMissing
        )
    }
}

/// The findings so far, and the texts they point into.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// The schema has refused something.
    pub(crate) misshapen: bool,
    pub(crate) sources: Sources,
    pub(crate) variables: Variables,
    /// What texts with variables came to, so far.
    pub(crate) filled_bytes: usize,
    findings: Vec<Entry>,
    dropped: usize,
    errors: usize,
}

#[derive(Debug)]
struct Entry {
    code: Code,
    span: Option<Span>,
    diagnostic: Diagnostic,
}

impl Report {
    /// Adds an error.
    pub(crate) fn error(
        &mut self,
        code: Code,
        at: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Finding<'_> {
        self.add(Severity::Error, code, at.into(), message.into())
    }

    /// Adds a warning.
    pub(crate) fn warning(
        &mut self,
        code: Code,
        at: impl Into<Option<Span>>,
        message: impl Into<String>,
    ) -> Finding<'_> {
        self.add(Severity::Warning, code, at.into(), message.into())
    }

    /// For what has been said already.
    pub(crate) fn silent(&mut self) -> Finding<'_> {
        self.errors += 1;
        Finding { entry: None, sources: &self.sources }
    }

    fn add(
        &mut self,
        severity: Severity,
        code: Code,
        span: Option<Span>,
        message: String,
    ) -> Finding<'_> {
        self.errors += usize::from(severity == Severity::Error);
        if self.findings.len() >= FINDINGS_MAX {
            self.dropped += 1;
            return Finding { entry: None, sources: &self.sources };
        }
        // One shared anchor is decoded once for every alias, and what the schema refuses is decoded
        // too: say it once.
        let is_form = severity == Severity::Error && code.is_form();
        let starts_with = |e: &Entry| {
            // A mapping whose first key could not be read lacks what that was meant to be.
            e.code == Code::YamlShape
                && e.span.map(|s| (s.file, s.start)) == span.map(|s| (s.file, s.start))
        };
        let same = |e: &Entry| {
            (e.span == span
                && ((e.code == code && e.diagnostic.message == message)
                    || (is_form && e.code.is_form() && e.diagnostic.severity == severity)))
                || (code == Code::KeyMissing && starts_with(e))
        };
        if span.is_some() && self.findings.iter().any(same) {
            return Finding { entry: None, sources: &self.sources };
        }
        let diagnostic = Diagnostic {
            code: code.as_str().to_owned(),
            severity,
            message,
            at: span.map(|span| self.sources.location(span)),
            hint: None,
            related: Vec::new(),
        };
        self.findings.push(Entry { code, span, diagnostic });
        Finding { entry: self.findings.last_mut(), sources: &self.sources }
    }

    /// Warns once about a variable without a value; its other places are added to the warning.
    pub(crate) fn unset_variable(&mut self, name: &str, at: Span) {
        let message = format!("`{name}` is not set, so it is replaced by nothing");
        let same = |e: &&mut Entry| {
            e.code == Code::VariableUnset && e.diagnostic.message == message && e.span != Some(at)
        };
        if let Some(entry) = self.findings.iter_mut().find(same) {
            let place = self.sources.location(at);
            let related = &mut entry.diagnostic.related;
            let known = related.iter().any(|(other, _)| *other == place);
            if !known && related.len() < UNSET_PLACES_MAX {
                related.push((place, "it is used here too".to_owned()));
            }
            return;
        }
        self.warning(Code::VariableUnset, at, message)
            .hint(format!("set it in .env, or write `${{{name}:-}}` if that is meant"));
    }

    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|e| e.diagnostic.severity == Severity::Error)
    }

    /// How many errors were met, those that were said before and those taken back included.
    pub(crate) fn errors_met(&self) -> usize {
        self.errors
    }

    /// A mark for [`Self::forget_since`].
    pub(crate) fn mark(&self) -> usize {
        self.findings.len()
    }

    /// Takes back findings of one kind made since the mark.
    pub(crate) fn forget_since(&mut self, mark: usize, codes: &[Code]) {
        let mut index = 0;
        self.findings.retain(|entry| {
            index += 1;
            index <= mark || !codes.contains(&entry.code)
        });
    }

    /// All findings in the order of the files, errors and warnings mixed.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, Sources) {
        self.findings.sort_by_key(|entry| entry.span.map(|span| (span.file, span.start)));
        let mut all: Vec<Diagnostic> = self.findings.into_iter().map(|e| e.diagnostic).collect();
        if self.dropped > 0 {
            all.push(Diagnostic {
                code: Code::YamlLimit.as_str().to_owned(),
                severity: Severity::Error,
                message: format!("{} more findings are not shown", self.dropped),
                at: None,
                hint: None,
                related: Vec::new(),
            });
        }
        (all, self.sources)
    }
}

/// The finding just added, to say more about it.
pub(crate) struct Finding<'a> {
    entry: Option<&'a mut Entry>,
    sources: &'a Sources,
}

impl Finding<'_> {
    /// What to do about it.
    pub(crate) fn hint(self, hint: impl Into<String>) -> Self {
        self.maybe_hint(Some(hint))
    }

    /// The same, when there is something to say.
    pub(crate) fn maybe_hint(mut self, hint: Option<impl Into<String>>) -> Self {
        if let (Some(entry), Some(hint)) = (&mut self.entry, hint) {
            entry.diagnostic.hint = Some(hint.into());
        }
        self
    }

    /// "Did you mean", when a known word is near; worked out only for findings that are kept.
    pub(crate) fn suggest<'k>(self, word: &str, known: impl IntoIterator<Item = &'k str>) -> Self {
        let hint = self.entry.is_some().then(|| did_you_mean(word, known)).flatten();
        self.maybe_hint(hint)
    }

    /// Another place that matters.
    pub(crate) fn related(mut self, at: Span, why: impl Into<String>) -> Self {
        let place: Location = self.sources.location(at);
        if let Some(entry) = &mut self.entry {
            entry.diagnostic.related.push((place, why.into()));
        }
        self
    }
}
