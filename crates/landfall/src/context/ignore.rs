//! `.dockerignore`: which paths of a build context stay at home.
//!
//! Follows moby's `patternmatcher` and `ignorefile` case for case: patterns are rooted at the
//! context, the last one that matches wins, and what a folder matched goes down to what is in it.
//! Knows no file system; the walk is in [`super::walk`], one pattern is in [`super::pattern`].

use super::pattern::{BadPattern, Pattern, clean};

/// The rules of one context, in order.
#[derive(Debug, Default)]
pub(crate) struct IgnoreRules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    /// Written with a leading `!`: takes back what an earlier rule left out.
    exception: bool,
}

/// What the rules say of one path. The default stands for the context itself.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// It is left out.
    pub(crate) excluded: bool,
    /// Rule by rule, whether it matched the path or a folder above it.
    matched: Vec<bool>,
}

/// A line that is no pattern.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is not a pattern: {why}")]
pub(crate) struct BadRule {
    /// Counts from 1.
    line: usize,
    text: String,
    why: BadPattern,
}

impl IgnoreRules {
    /// Reads an ignore file.
    pub(crate) fn parse(text: &str) -> Result<Self, BadRule> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.starts_with('#') || line.trim().is_empty() {
                continue;
            }
            let rule = Rule::parse(line.trim());
            let bad = |why| BadRule { line: index + 1, text: line.trim().to_owned(), why };
            rules.push(rule.map_err(bad)?);
        }
        Ok(Self { rules })
    }

    /// Judges a path (relative, `/` separated), given what was said of the folder it is in.
    pub(crate) fn judge(&self, path: &str, folder: &Judgement) -> Judgement {
        let mut excluded = false;
        let mut matched = Vec::with_capacity(self.rules.len());
        for (index, rule) in self.rules.iter().enumerate() {
            let from_above = folder.matched.get(index).copied().unwrap_or(false);
            // A rule that could change nothing is not asked; docker relies on that further down.
            let asked = rule.exception == excluded;
            let matches = from_above || (asked && rule.pattern.matches(path));
            if matches {
                excluded = !rule.exception;
            }
            matched.push(matches);
        }
        Judgement { excluded, matched }
    }

    /// Whether a path is left out, judged from the top down.
    fn excludes(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|(end, _)| end).chain([path.len()]);
        let judged =
            ends.fold(Judgement::default(), |folder, end| self.judge(&path[..end], &folder));
        judged.excluded
    }

    /// Whether something below an excluded folder may be taken back by an exception.
    pub(crate) fn may_return_below(&self, folder: &str) -> bool {
        self.rules
            .iter()
            .filter(|rule| rule.exception)
            .any(|rule| rule.pattern.may_match_below(folder))
    }

    /// Takes a path back: the Dockerfile and the ignore file itself always travel.
    pub(crate) fn keep(&mut self, path: &str) {
        if self.excludes(path) {
            self.rules.push(Rule { pattern: Pattern::exactly(path), exception: true });
        }
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Self, BadPattern> {
        let (exception, pattern) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        if pattern.is_empty() {
            return Err(BadPattern::Empty);
        }
        let cleaned = clean(pattern);
        let rooted = cleaned.strip_prefix('/').filter(|rest| !rest.is_empty());
        Ok(Self { pattern: Pattern::parse(rooted.unwrap_or(&cleaned))?, exception })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(rules: &str, path: &str) -> bool {
        IgnoreRules::parse(rules).unwrap().excludes(path)
    }

    #[test]
    fn patterns_are_rooted_at_the_context() {
        assert!(excluded("node_modules", "node_modules/a/b.js"));
        assert!(!excluded("node_modules", "web/node_modules/a.js"));
        assert!(excluded("**/node_modules", "web/node_modules/a.js"));
        assert!(excluded("/dist", "dist/a"));
        assert!(excluded("./dist/", "dist/a"));
        assert!(excluded("a/../dist", "dist"));
    }

    #[test]
    fn the_last_matching_rule_wins() {
        assert!(!excluded("docs\n!docs/README.md", "docs/README.md"));
        assert!(excluded("docs\n!docs/README.md", "docs/other.md"));
        assert!(excluded("!a.go\n*.go", "a.go"));
        assert!(!excluded("*.go\n!a.go", "a.go"));
        assert!(excluded("**\n!util/web\nutil/web/foo", "util/web/foo"));
        assert!(!excluded("**\n!util/web", "util/web/foo"));
        assert!(!excluded("*\n!  src", "src/main.rs"));
    }

    #[test]
    fn an_exception_brings_back_only_what_was_left_out_where_it_applies() {
        // Nothing was wrong with `docs` itself, so its exception was never asked: as in docker.
        assert!(excluded("docs/**\n!docs", "docs/a"));
        assert!(!excluded("docs\n!docs", "docs/a"));
    }

    #[test]
    fn comments_blank_lines_and_a_byte_order_mark_mean_nothing() {
        let rules = "\u{feff}# secrets\n\n  .env  \r\n#x\n";
        assert!(excluded(rules, ".env"));
        assert!(!excluded(rules, "# secrets"));
        // Only a `#` in the first column begins a comment.
        assert!(excluded(" #x", "#x"));
    }

    #[test]
    fn a_bad_line_is_named() {
        let error = IgnoreRules::parse("ok\n[a").unwrap_err();
        assert_eq!(
            error.to_string(),
            "line 2: `[a` is not a pattern: a `[` has no closing bracket"
        );
        assert!(IgnoreRules::parse("!").is_err());
    }

    #[test]
    fn excluded_folders_are_walked_only_where_an_exception_may_apply() {
        let rules = IgnoreRules::parse("*\n!docs/keep\n!lib/*.md\n!**/x.txt").unwrap();
        assert!(rules.may_return_below("anything"));
        let rules = IgnoreRules::parse("*\n!docs/keep\n!lib/*.md").unwrap();
        assert!(rules.may_return_below("docs"));
        assert!(rules.may_return_below("docs/keep"));
        assert!(rules.may_return_below("lib"));
        assert!(!rules.may_return_below("node_modules"));
        assert!(!rules.may_return_below("docs2"));
    }

    #[test]
    fn what_must_travel_is_taken_back() {
        let mut rules = IgnoreRules::parse("*").unwrap();
        rules.keep("Dockerfile");
        assert!(!rules.excludes("Dockerfile"));
        assert!(rules.excludes("Dockerfile.old"));
    }
}
