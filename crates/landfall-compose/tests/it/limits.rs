//! Files that would only hurt: bombs, depth, size, encodings.

use std::fmt::Write as _;

use landfall_compose::read;

use super::support::App;

#[test]
fn an_alias_bomb_is_refused_and_a_large_file_of_aliases_is_not() {
    let mut bomb = String::from("x-a0: &a0 {k: v}\n");
    for level in 1..10 {
        let list = format!("*a{}, ", level - 1).repeat(9);
        let _ = writeln!(bomb, "x-a{level}: &a{level} [{}]", list.trim_end_matches(", "));
    }
    let app = App::new(&[("compose.yaml", &bomb)]);
    assert_eq!(app.codes(), ["LF0105!"]);

    let mut large = String::from("x-env: &env\n");
    for variable in 0..100 {
        let _ = writeln!(large, "  V{variable}: x");
    }
    large.push_str("services:\n");
    for service in 0..400 {
        let _ = writeln!(large, "  s{service}: {{image: a, environment: *env}}");
    }
    let app = App::new(&[("compose.yaml", &large)]);
    assert_eq!(app.load().spec.services.len(), 400);
}

#[test]
fn deep_nesting_is_refused_however_it_is_made() {
    let flow = format!("x: {}{}", "[".repeat(5_000), "]".repeat(5_000));
    let block: String = (0..2_000).fold(String::new(), |mut text, depth| {
        let _ = writeln!(text, "{}a:", " ".repeat(depth));
        text
    });
    let mut chain = String::from("x-0: &a0 [1]\n");
    for level in 1..2_000 {
        let _ = writeln!(chain, "x-{level}: &a{level} [*a{}]", level - 1);
    }
    for text in [flow, block, chain] {
        let app = App::new(&[("compose.yaml", &text)]);
        let codes = app.codes();
        assert!(codes == ["LF0103!"] || codes == ["LF0105!"], "{codes:?}");
    }
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let cases: [(&[u8], &str); 3] = [
        (b"services:\n  a: {image: \xff}\n", "compose.yaml:2:14"),
        (b"services:\n  a: {image: \0}\n", "compose.yaml:2:14"),
        (b"\xff\xfes\0e\0", "compose.yaml:1:1"),
    ];
    for (bytes, place) in cases {
        let app = App::new(&[]);
        app.write("compose.yaml", bytes);
        let said = app.said();
        assert!(said.contains("LF0102") && said.contains(place), "{said}");
    }
    let app = App::new(&[]);
    app.write("compose.yaml", &vec![b' '; 10 * 1024 * 1024 + 1]);
    assert_eq!(app.codes(), ["LF0102!"]);
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    let app = App::new(&[("compose.yaml", "\u{feff}services:\r\n  web:\r\n    image: nginx\r\n")]);
    assert_eq!(app.spec()["services"]["web"]["image"], "nginx");
}

#[test]
fn a_flood_of_findings_is_cut() {
    let mut text = String::from("services:\n  web:\n    image: a\n");
    for key in 0..2_000 {
        let _ = writeln!(text, "    key{key}: 1");
    }
    let app = App::new(&[("compose.yaml", &text)]);
    assert_eq!(app.codes().len(), 501);
    assert!(app.said().contains("1500 more findings are not shown"));
}

#[test]
fn excerpts_hold_no_control_characters() {
    let app = App::new(&[("compose.yaml", "services:\n  web: {\"im\u{1b}age\": \"\u{202e}x\"}\n")]);
    let said = app.said();
    assert!(!said.contains('\u{1b}') && !said.contains('\u{202e}'), "{said:?}");
}

#[test]
fn a_hundred_thousand_services_are_read_or_refused_soon() {
    let mut text = String::from("services:\n");
    for service in 0..100_000 {
        let _ = writeln!(text, "  s{service}: {{image: i}}");
    }
    let app = App::new(&[("compose.yaml", &text)]);
    match read(&app.options) {
        Ok(model) => {
            let tree = model.config();
            assert_eq!(tree["services"].as_object().map(serde_json::Map::len), Some(100_000));
        }
        Err(failed) => assert!(failed.diagnostics.len() <= 501),
    }
}

#[test]
fn ten_megabytes_of_services_are_read_without_doubling_them_over_and_over() {
    let mut text = String::from("services:\n");
    let mut service = 0;
    while text.len() < 10 * 1024 * 1024 - 1_024 {
        let _ = writeln!(text, "  s{service}:\n    image: i\n    environment:");
        for variable in 0..20 {
            let _ =
                writeln!(text, "      VARIABLE_{variable}: \"value of {variable} ${{A:-none}}\"");
        }
        service += 1;
    }
    let app = App::new(&[("compose.yaml", &text)]);
    if let Ok(model) = read(&app.options) {
        assert_eq!(model.config()["services"].as_object().map(serde_json::Map::len), Some(service));
    }
}

#[test]
fn circles_of_files_end_with_an_error() {
    let extends = "services: {a: {extends: {file: b.yaml, service: a}}}";
    let back = "services: {a: {extends: {file: compose.yaml, service: a}}}";
    let app = App::new(&[("compose.yaml", extends), ("b.yaml", back)]);
    assert!(app.codes().contains(&"LF0402!".to_owned()), "{:?}", app.codes());
    let one = "include: [b.yaml]\nservices: {a: {image: i}}";
    let two = "include: [compose.yaml]\nservices: {b: {image: i}}";
    let app = App::new(&[("compose.yaml", one), ("b.yaml", two)]);
    assert!(app.codes().contains(&"LF0402!".to_owned()), "{:?}", app.codes());
}

#[test]
fn aliases_of_variables_do_not_multiply_what_is_filled_in() {
    // Each level doubles what the one before comes to.
    let mut text = String::from("x-0: &a0 \"${BIG}${BIG}${BIG}${BIG}\"\n");
    for level in 1..40 {
        let _ = writeln!(text, "x-{level}: &a{level} {{l: *a{}, r: *a{}}}", level - 1, level - 1);
    }
    text.push_str("services: {web: {image: i}}\n");
    let app = App::new(&[("compose.yaml", &text)]).variable("BIG", &"x".repeat(10_000));
    assert_eq!(app.codes(), ["LF0105!"]);
}

#[test]
fn a_file_from_elsewhere_is_not_fetched() {
    for include in ["https://example.invalid/compose.yaml", "oci://example.invalid/app:1"] {
        let text = format!("include: [\"{include}\"]\nservices: {{web: {{image: i}}}}\n");
        let app = App::new(&[("compose.yaml", &text)]);
        assert!(read(&app.options).is_err(), "{include}");
    }
}

#[test]
fn what_small_files_may_grow_to_is_bounded() {
    let mut doubling = String::from("A0=xxxxxxxxxxxxxxxx\n");
    for line in 1..60 {
        let _ = writeln!(doubling, "A{line}=$A{}$A{}", line - 1, line - 1);
    }
    let app = App::new(&[
        ("compose.yaml", "services: {a: {image: i, env_file: a.env}}"),
        ("a.env", &doubling),
    ]);
    assert_eq!(app.refused(), ["LF0108"]);

    let variables: Vec<String> = (0..2_000).map(|n| format!("K{n}: v")).collect();
    let variables = variables.join(", ");
    let mut extending = format!("services:\n  base: {{image: i, environment: {{{variables}}}}}\n");
    for service in 0..600 {
        let _ = writeln!(extending, "  s{service}: {{extends: base}}");
    }
    let app = App::new(&[("compose.yaml", &extending)]);
    assert!(app.refused().contains(&"LF0602".to_owned()));

    let including: Vec<(String, String)> = (0..30)
        .map(|n| {
            let next = n + 1;
            let text = format!("include: [f{next}.yaml, {{path: f{next}.yaml}}]\n");
            (format!("f{n}.yaml"), text)
        })
        .chain([("f30.yaml".to_owned(), "services: {z: {image: i}}\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> =
        including.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let app = App::new(&files).file("f0.yaml");
    assert!(app.refused().iter().all(|code| code == "LF0105"));

    let ranges = "'1-60000', ".repeat(20);
    let app =
        App::new(&[("compose.yaml", &format!("services: {{a: {{image: i, ports: [{ranges}]}}}}"))]);
    assert!(!app.refused().is_empty());
}
