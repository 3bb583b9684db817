//! Variables of a service's environment.

use landfall_compose::View;
use landfall_core::diagnostic::Location;

/// One variable. Its value never goes into a message.
pub(crate) struct Variable<'a> {
    pub(crate) name: &'a str,
    /// `None` when it is taken over from the shell.
    pub(crate) value: Option<String>,
    /// The characters of the file that the value was made of.
    pub(crate) written: &'a str,
    pub(crate) at: Location,
}

impl Variable<'_> {
    pub(crate) fn value(&self) -> &str {
        self.value.as_deref().unwrap_or_default()
    }

    /// Whether the value stands in the file, not in a variable of the shell, in `.env` or in an
    /// `env_file`: what comes from there has the place of the file's name.
    pub(crate) fn is_literal(&self) -> bool {
        let value = self.value();
        let has_variable = self.written.replace("$$", "").contains('$');
        let is_folded = self.written.contains(['\n', '\\']) || value.contains('$');
        !value.is_empty() && !has_variable && (is_folded || self.written.contains(value))
    }

    /// The default of a value that is `${NAME:-default}` and nothing else.
    pub(crate) fn default(&self) -> Option<&str> {
        let written = match self.written.split_once('=') {
            Some((name, value)) if name.trim_matches(['"', '\'']) == self.name => value,
            _ => self.written,
        };
        let inner = written.trim_matches(['"', '\'']).strip_prefix("${")?.strip_suffix('}')?;
        let end = inner.find(|c: char| !c.is_ascii_alphanumeric() && c != '_')?;
        let operator = &inner[end..];
        operator.strip_prefix(":-").or_else(|| operator.strip_prefix('-')).filter(|d| !d.is_empty())
    }
}

/// The variables under `environment`.
pub(crate) fn variables(service: View<'_>) -> Vec<Variable<'_>> {
    let Some(environment) = service.get("environment") else { return Vec::new() };
    if !environment.is_mapping() {
        return environment.items().filter_map(item).collect();
    }
    environment.entries().map(|(name, view)| entry(name, view)).collect()
}

fn entry<'a>(name: &'a str, view: View<'a>) -> Variable<'a> {
    let is_null = view.is_null();
    Variable {
        name,
        value: if is_null { None } else { view.printed() },
        written: if is_null { "" } else { view.source() },
        at: view.key_at(),
    }
}

fn item(view: View<'_>) -> Option<Variable<'_>> {
    let text = view.text()?;
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    Some(Variable { name, value, written: view.source(), at: view.at() })
}
