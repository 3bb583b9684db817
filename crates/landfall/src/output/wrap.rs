//! Prose in lines of a bearable width.

/// Breaks a text at blanks so that no line is longer than this; words are never cut.
pub(crate) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split("\n\n") {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let mut line = String::new();
        for word in words(paragraph) {
            let wide = line.chars().count() + 1 + word.chars().count() > columns;
            if wide && !line.is_empty() {
                lines.push(std::mem::take(&mut line));
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(&word);
        }
        lines.push(line);
    }
    lines
}

/// Words, with what stands in backticks kept together.
fn words(paragraph: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in paragraph.split_whitespace() {
        match out.last_mut().filter(|_| is_open) {
            Some(last) => {
                last.push(' ');
                last.push_str(word);
            }
            None => out.push(word.to_owned()),
        }
        is_open ^= word.matches('`').count() % 2 == 1;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_at_blanks_and_code_stays_whole() {
        let text = "Write `a: b c` here and\nthere.\n\nThen go.";
        assert_eq!(wrap(text, 13), ["Write", "`a: b c` here", "and there.", "", "Then go."]);
        assert_eq!(wrap("", 10), [""]);
    }
}
