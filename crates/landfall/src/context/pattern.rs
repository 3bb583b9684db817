//! One pattern of a `.dockerignore`, with moby's meaning.
//!
//! `*` and `?` stay inside one path segment, `**` crosses segments, `[…]` is a class, a backslash
//! takes the next character as it is. Matching is a walk over reachable positions, so no pattern can
//! make it slow.

/// A pattern, ready to be asked.
#[derive(Debug)]
pub(crate) struct Pattern {
    tokens: Vec<Token>,
    /// `**` and then only plain text: matches any path that ends so.
    suffix: Option<String>,
    /// Plain text before the first special character.
    prefix: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Char(char),
    /// `?`
    One,
    /// `*`
    Star,
    /// `**` with more behind it: nothing, or anything up to a slash.
    Folders,
    /// `**` at the end.
    Rest,
    /// `[…]`; as in moby it may also match a slash.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

/// Why a text is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BadPattern {
    #[error("nothing stands behind the `!`")]
    Empty,
    #[error("a `[` has no closing bracket")]
    OpenClass,
    #[error("a range in brackets is malformed")]
    Range,
    #[error("nothing stands behind the backslash")]
    Escape,
}

impl Pattern {
    /// Reads a cleaned pattern.
    pub(crate) fn parse(text: &str) -> Result<Self, BadPattern> {
        let mut chars = text.chars().peekable();
        let mut tokens = Vec::new();
        while let Some(c) = chars.next() {
            tokens.push(match c {
                '*' if chars.next_if_eq(&'*').is_some() => {
                    chars.next_if_eq(&'/');
                    if chars.peek().is_some() { Token::Folders } else { Token::Rest }
                }
                '*' => Token::Star,
                '?' => Token::One,
                '[' => class(&mut chars)?,
                '\\' => Token::Char(chars.next().ok_or(BadPattern::Escape)?),
                c => Token::Char(c),
            });
        }
        let plain = |c: char| !matches!(c, '*' | '?' | '[' | ']' | '\\');
        let suffix = text.strip_prefix("**").filter(|rest| rest.chars().all(plain));
        let prefix = text.chars().take_while(|c| plain(*c)).collect();
        Ok(Self { tokens, suffix: suffix.map(str::to_owned), prefix })
    }

    /// A pattern for one path, whatever characters it has.
    pub(crate) fn exactly(path: &str) -> Self {
        let tokens = path.chars().map(Token::Char).collect();
        Self { tokens, suffix: None, prefix: path.to_owned() }
    }

    /// Whether a whole path matches.
    pub(crate) fn matches(&self, path: &str) -> bool {
        if let Some(suffix) = &self.suffix {
            return path.ends_with(suffix.as_str()) || suffix.strip_prefix('/') == Some(path);
        }
        let chars: Vec<char> = path.chars().collect();
        let mut here = vec![false; chars.len() + 1];
        here[0] = true;
        for token in &self.tokens {
            here = token.advance(&here, &chars);
        }
        here[chars.len()]
    }

    /// Whether a path below this folder could match, judged by the plain beginning.
    pub(crate) fn may_match_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        self.prefix.starts_with(&below) || below.starts_with(self.prefix.as_str())
    }
}

impl Token {
    /// Positions that can be reached from `from` by this token.
    fn advance(&self, from: &[bool], chars: &[char]) -> Vec<bool> {
        let mut to = vec![false; from.len()];
        for at in (0..from.len()).filter(|at| from[*at]) {
            let rest = &chars[at..];
            match self {
                Self::Star => {
                    let stop = rest.iter().position(|c| *c == '/').unwrap_or(rest.len());
                    to[at..=at + stop].fill(true);
                }
                Self::Rest => to[at..].fill(true),
                Self::Folders => {
                    to[at] = true;
                    let slashes = rest.iter().enumerate().filter(|(_, c)| **c == '/');
                    slashes.for_each(|(index, _)| to[at + index + 1] = true);
                }
                Self::Char(_) | Self::One | Self::Class { .. } => {
                    if rest.first().is_some_and(|c| self.takes(*c)) {
                        to[at + 1] = true;
                    }
                }
            }
        }
        to
    }

    /// Whether a token for one character takes this one.
    fn takes(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::One => c != '/',
            Self::Class { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
            Self::Star | Self::Folders | Self::Rest => false,
        }
    }
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// Behind a `[`: Go's grammar of classes.
fn class(chars: &mut Chars<'_>) -> Result<Token, BadPattern> {
    let negated = chars.next_if_eq(&'^').is_some();
    let mut ranges = Vec::new();
    loop {
        if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
            return Ok(Token::Class { negated, ranges });
        }
        let low = bound(chars)?;
        let high = if chars.next_if_eq(&'-').is_some() { bound(chars)? } else { low };
        ranges.push((low, high));
    }
}

fn bound(chars: &mut Chars<'_>) -> Result<char, BadPattern> {
    match chars.next().ok_or(BadPattern::OpenClass)? {
        '-' | ']' => Err(BadPattern::Range),
        '\\' => chars.next().ok_or(BadPattern::Escape),
        c => Ok(c),
    }
}

/// Go's `filepath.Clean`: no `.`, no doubled or trailing slash, `..` resolved where it can be.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_docker_matches_them() {
        // pattern, path, whether it matches.
        let table = [
            ("*", "file", true),
            ("*", "dir/file", false),
            ("**", "dir/file", true),
            ("**/**", "dir/file", true),
            ("dir/**", "dir/a/b", true),
            ("dir/**", "dir", false),
            ("**/dir", "dir", true),
            ("**/dir", "a/dir", true),
            ("**/dir", "a/mydir", false),
            ("**file", "a/myfile", true),
            ("**/dir2/*", "dir/dir2/file", true),
            ("**/dir2/**", "dir/dir2/dir3/file", true),
            ("**/file*.txt*", "a/b/file1.txt.old", true),
            ("**/**/*.txt", "file.txt", true),
            ("**/**/*.txt2", "a/b/file.txt", false),
            ("a**/*.txt", "a/dir/dir/file.txt", true),
            ("a/*.txt", "a/dir/file.txt", false),
            ("a/*.txt**", "a/file.txt", true),
            ("a[b-d]e", "ace", true),
            ("a[b-d]e", "aae", false),
            ("a[^b-d]e", "aze", true),
            ("[\\]a]", "]", true),
            ("[x\\-]", "-", true),
            ("[a-ζ]*", "α", true),
            (".*", ".foo", true),
            (".*", "foo", false),
            ("abc.def", "abcZdef", false),
            ("abc?def", "abcZdef", true),
            ("a?b", "a/b", false),
            ("a?b", "a☺b", true),
            ("**/.foo", "bar.foo", false),
            ("a(b)c/d+$", "a(b)c/d+$", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "ab", false),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/f", true),
            ("a*b*c*d*e*/f", "axbxcxdxexxx/fff", false),
            ("a*b?c*x", "abxbbxdbxebxczzx", true),
        ];
        for (pattern, path, expected) in table {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.matches(path), expected, "{pattern} on {path}");
        }
    }

    #[test]
    fn malformed_patterns_are_refused() {
        for pattern in ["[", "[^", "[^bc", "a[", "[]a]", "[-]", "[x-]", "[-x]", "[a-b-c]", "\\"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }

    #[test]
    fn paths_are_cleaned_as_go_does() {
        let table = [
            ("a//b/", "a/b"),
            ("./a/.", "a"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("", "."),
            ("/", "/"),
            ("**/", "**"),
        ];
        for (path, expected) in table {
            assert_eq!(clean(path), expected, "{path}");
        }
    }
}
