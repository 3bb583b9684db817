//! Paths into a document, and the patterns that rules are written with.

/// Where in a document a rule applies: segments joined by dots, `*` for any one.
pub(super) type Pattern = &'static str;

/// The rule whose pattern matches the path.
pub(super) fn rule_at<T: Copy>(rules: &[(Pattern, T)], path: &[&str]) -> Option<T> {
    rules.iter().find(|(pattern, _)| matches(pattern, path)).map(|(_, rule)| *rule)
}

fn matches(pattern: Pattern, path: &[&str]) -> bool {
    let mut count = 0;
    let fits = pattern.split('.').zip(path).all(|(wanted, given)| {
        count += 1;
        wanted == "*" || wanted == *given
    });
    fits && count == path.len() && pattern.split('.').count() == count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_whole_paths() {
        let rules = [("services.*.build", 1), ("services.*.build.args", 2), ("name", 3)];
        assert_eq!(rule_at(&rules, &["services", "a.b", "build"]), Some(1));
        assert_eq!(rule_at(&rules, &["services", "a", "build", "args"]), Some(2));
        assert_eq!(rule_at(&rules, &["services", "a"]), None);
        assert_eq!(rule_at(&rules, &["name"]), Some(3));
        assert_eq!(rule_at(&rules, &[]), None);
    }
}
