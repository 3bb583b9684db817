//! Paths into a document, and the patterns that rules are written with.

/// Where in a document a rule applies: keys, `*` for any one.
pub(super) type Pattern = &'static [&'static str];

/// The rule whose pattern matches the path.
pub(super) fn rule_at<T: Copy>(rules: &[(Pattern, T)], path: &[&str]) -> Option<T> {
    rules.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, rule)| *rule)
}

/// The last key tells most patterns apart, so it is looked at first.
fn matches(pattern: Pattern, path: &[&str]) -> bool {
    let fits = |(wanted, given): (&&str, &&str)| *wanted == "*" || wanted == given;
    pattern.len() == path.len() && pattern.iter().zip(path).rev().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        const RULES: &[(Pattern, u8)] = &[
            (&["services", "*", "build"], 1),
            (&["services", "*", "build", "args"], 2),
            (&["name"], 3),
        ];
        assert_eq!(rule_at(RULES, &["services", "a.b", "build"]), Some(1));
        assert_eq!(rule_at(RULES, &["services", "a", "build", "args"]), Some(2));
        assert_eq!(rule_at(RULES, &["services", "a"]), None);
        assert_eq!(rule_at(RULES, &["name"]), Some(3));
        assert_eq!(rule_at(RULES, &[]), None);
    }
}
