//! One text with `$A`, `${A}`, `${A:-b}`, `${A-b}`, `${A:?m}`, `${A?m}`, `${A:+b}`, `${A+b}`, `$$`.
//!
//! Defaults nest and are evaluated only when they are used. The grammar is compose-go's
//! (`template/template.go`): a `$` that starts no expression stands for itself, `${` must be one.

/// Looks variables up; `None` is unset.
pub(crate) type Lookup<'a> = dyn Fn(&str) -> Option<String> + 'a;

/// Expressions may nest this deep.
const DEPTH_MAX: usize = 32;

/// What filling in a text came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    pub(crate) text: String,
    /// Every variable that was asked for, in order; at most [`USES_MAX`].
    pub(crate) uses: Vec<Use>,
}

/// One variable that a text asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    pub(crate) name: String,
    /// The expression as written.
    pub(crate) expression: String,
    pub(crate) is_set: bool,
    /// The expression says what to do without a value.
    pub(crate) has_operator: bool,
}

impl Filled {
    /// Variables that have no value and no default.
    #[cfg(test)]
    fn unset(&self) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(|one| !one.is_set && !one.has_operator)
    }

    fn ask(&mut self, name: &str, expression: &str, is_set: bool, has_operator: bool) {
        if self.uses.len() < USES_MAX {
            let (name, expression) = (name.to_owned(), expression.to_owned());
            self.uses.push(Use { name, expression, is_set, has_operator });
        }
    }
}

/// Uses that are remembered of one text.
const USES_MAX: usize = 1_000;

/// A text may grow to this many bytes.
const FILLED_MAX: usize = 4 * 1024 * 1024;

/// Why a text cannot be filled in. `expression` is a part of the text as written.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// `${A:?message}` without a value.
    Required { name: String, message: String, expression: String },
    /// Not an expression.
    Syntax { expression: String },
    /// Variables that make the text larger than anything needs to be.
    TooLong,
}

/// Fills in every expression of a text.
pub(crate) fn fill(text: &str, lookup: &Lookup<'_>) -> Result<Filled, Failed> {
    let mut filled = Filled::default();
    let piece = expand(text, lookup, &mut filled, 0)?;
    filled.text = piece;
    Ok(filled)
}

fn expand(
    text: &str,
    lookup: &Lookup<'_>,
    filled: &mut Filled,
    depth: usize,
) -> Result<String, Failed> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        if out.len() > FILLED_MAX.max(text.len()) {
            return Err(Failed::TooLong);
        }
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let used = match tail.as_bytes().get(1) {
            Some(b'$') => {
                out.push('$');
                2
            }
            Some(b'{') => braced(tail, lookup, filled, depth, &mut out)?,
            Some(byte) if is_name_start(*byte) => {
                let name = name_at(&tail[1..]);
                let expression = &tail[..=name.len()];
                out.push_str(&value_or_unset(name, expression, lookup, filled));
                expression.len()
            }
            _ => {
                out.push('$');
                1
            }
        };
        rest = &tail[used..];
    }
    out.push_str(rest);
    Ok(out)
}

/// Expands the `${…}` at the start of `tail`; returns its length.
fn braced(
    tail: &str,
    lookup: &Lookup<'_>,
    filled: &mut Filled,
    depth: usize,
    out: &mut String,
) -> Result<usize, Failed> {
    let syntax = |expression: &str| Failed::Syntax { expression: expression.to_owned() };
    let end = closing_brace(tail).ok_or_else(|| syntax(first_line(tail)))?;
    let expression = &tail[..=end];
    let body = &tail[2..end];
    let name = name_at(body);
    // The reference's pattern knows no expression of two lines.
    if name.is_empty() || depth >= DEPTH_MAX || body.contains('\n') {
        return Err(syntax(expression));
    }
    let operation = &body[name.len()..];
    if operation.is_empty() {
        out.push_str(&value_or_unset(name, expression, lookup, filled));
        return Ok(end + 1);
    }
    let (needs_content, operation) = match operation.strip_prefix(':') {
        Some(operation) => (true, operation),
        None => (false, operation),
    };
    let value = lookup(name);
    filled.ask(name, expression, value.is_some(), true);
    let value = value.filter(|value| !(needs_content && value.is_empty()));
    let mut chars = operation.chars();
    let operator = chars.next();
    let operand = chars.as_str();
    match (operator, value) {
        (Some('-' | '?'), Some(value)) => out.push_str(&value),
        (Some('-'), None) | (Some('+'), Some(_)) => {
            out.push_str(&expand(operand, lookup, filled, depth + 1)?);
        }
        (Some('+'), None) => {}
        (Some('?'), None) => {
            return Err(Failed::Required {
                name: name.to_owned(),
                // As written: filled in, it could show a secret.
                message: operand.to_owned(),
                expression: expression.to_owned(),
            });
        }
        _ => return Err(syntax(expression)),
    }
    Ok(end + 1)
}

fn value_or_unset(
    name: &str,
    expression: &str,
    lookup: &Lookup<'_>,
    filled: &mut Filled,
) -> String {
    let value = lookup(name);
    filled.ask(name, expression, value.is_some(), false);
    value.unwrap_or_default()
}

fn is_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_'
}

/// The variable name that a text starts with; empty when it starts with none.
fn name_at(text: &str) -> &str {
    if !text.bytes().next().is_some_and(is_name_start) {
        return "";
    }
    let end = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || b == b'_'));
    &text[..end.unwrap_or(text.len())]
}

/// The index of the brace that closes the one at index 1.
fn closing_brace(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => open += 1,
            b'}' => {
                open -= 1;
                if open == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(text: &str) -> Result<Filled, Failed> {
        fill(text, &|name| match name {
            "FOO" => Some("first".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        })
    }

    #[test]
    fn expressions_are_filled_in() {
        let cases = [
            ("$FOO-bar ${FOO}", "first-bar first"),
            ("$$FOO $ a $1 $}", "$FOO $ a $1 $}"),
            ("${EMPTY:-d} ${EMPTY-d}", "d "),
            ("${NO:-d} ${NO-d} ${NO:-}", "d d "),
            ("${FOO:+y} ${EMPTY:+y} ${EMPTY+y} ${NO+y}", "y  y "),
            ("${NO:-${EMPTY:-${FOO} x}}", "first x"),
            ("${NO:-{\"json\":1}}", "{\"json\":1}"),
            ("${NO-my?m} ${FOO?m} ${EMPTY?m}", "my?m first "),
            ("${NO:-$$x}", "$x"),
            ("{{{ ${NO:-z} }}}", "{{{ z }}}"),
        ];
        for (text, expected) in cases {
            let got = filled(text).expect("a good text");
            assert_eq!((got.text.as_str(), got.unset().count()), (expected, 0), "{text}");
        }
    }

    #[test]
    fn unset_variables_are_told_where_they_are_used() {
        let got = filled("a $NO ${FOO:-$LAZY} ${X:-${Y}}").expect("a good text");
        let names: Vec<&str> = got.unset().map(|one| one.expression.as_str()).collect();
        assert_eq!(names, ["$NO", "${Y}"]);
    }

    #[test]
    fn broken_and_required_expressions_are_refused() {
        for text in ["${", "${}", "${ FOO}", "${FOO }", "${FOO!}", "${FOO:}", "a ${FOO", "${1}"] {
            assert!(matches!(filled(text), Err(Failed::Syntax { .. })), "{text}");
        }
        let deep = "${A:-".repeat(40) + &"}".repeat(40);
        assert!(filled(&deep).is_err());
        let Err(Failed::Required { name, message, .. }) = filled("${EMPTY:?set $FOO}") else {
            panic!("a required variable");
        };
        assert_eq!((name.as_str(), message.as_str()), ("EMPTY", "set $FOO"));
    }
}
