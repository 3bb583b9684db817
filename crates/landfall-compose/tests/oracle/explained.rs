//! Differences that are meant: `explained.txt` names the case and says why.

use std::collections::BTreeMap;
use std::fs;

use crate::golden::folder;

/// Reasons by `theme/case`.
pub(crate) fn all() -> BTreeMap<String, String> {
    let text = fs::read_to_string(folder("explained.txt")).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line.split_once(": ").expect("`theme/case: reason`");
            (name.to_owned(), reason.to_owned())
        })
        .collect()
}
