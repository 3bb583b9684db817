//! "Did you mean": the nearest known word by edit distance.

/// A hint with the known word that is nearest, when one is near enough.
pub(crate) fn did_you_mean<'a>(
    word: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(word, known).map(|found| format!("did you mean `{found}`?"))
}

/// Known words that are compared.
const KNOWN_MAX: usize = 1_000;

/// The known word that is nearest: at most one edit in three letters away.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // Comparing is quadratic in the length, and no key is longer.
    if word.len() > 64 {
        return None;
    }
    let limit = (word.chars().count() / 3).max(1);
    let near = |candidate: &&str| {
        candidate.len() <= 64 && candidate.len().abs_diff(word.len()) <= limit * 4
    };
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    known
        .into_iter()
        .take(KNOWN_MAX)
        .filter(near)
        .map(|candidate| (distance(&wanted, &plain(candidate)), candidate))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits between two words; swapping neighbours is one (optimal string alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["image", "environment", "ports", "depends_on", "healthcheck"];
        let cases = [
            ("imgae", Some("image")),
            ("enviroment", Some("environment")),
            ("port", Some("ports")),
            ("depends-on", Some("depends_on")),
            ("healthCheck", Some("healthcheck")),
            ("volumes", None),
            ("x", None),
        ];
        for (word, expected) in cases {
            assert_eq!(nearest(word, known), expected, "{word}");
        }
    }
}
