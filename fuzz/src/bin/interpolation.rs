//! Whatever stands in a value and in variables, filling in ends without a panic, and what comes out
//! can be read again and means the same.
#![no_main]

use std::sync::LazyLock;

use landfall_compose::{LoadOptions, read};
use landfall_fuzz::Project;
use libfuzzer_sys::fuzz_target;

static PROJECT: LazyLock<Project> = LazyLock::new(Project::new);

fuzz_target!(|input: &str| {
    // The value, then the values of the variables A, B, C and so on.
    let mut parts = input.split('\n');
    let value = quoted(parts.next().unwrap_or_default());
    let mut project = String::new();
    for (name, value) in ('A'..='Z').zip(parts) {
        project += &format!("@ {name}={value}\n");
    }
    project += &format!("--- compose.yaml\nservices: {{web: {{image: i, hostname: {value}}}}}\n");
    let options = PROJECT.write(project.as_bytes());
    let Ok(model) = read(&options) else { return };
    if input.chars().any(is_unprintable) {
        // JSON may hold it, YAML may not.
        return;
    }
    let tree = model.config();
    let once = tree.to_string();
    PROJECT.write(format!("--- compose.yaml\n{once}").as_bytes());
    let bare = LoadOptions { environment: Default::default(), ..options };
    let again = read(&bare).unwrap_or_else(|_| panic!("it cannot be read again: {once}"));
    assert_eq!(tree, again.config(), "it means something else when it is read again");
});

fn is_unprintable(c: char) -> bool {
    c != '\n' && c.is_control()
        || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{2028}' | '\u{2029}')
}

/// In double quotes of YAML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c.is_control() || !c.is_ascii() => quoted += &format!("\\U{:08x}", c as u32),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}
