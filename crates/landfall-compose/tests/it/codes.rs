//! Each page of a code shows a project that causes it.

use std::os::unix::fs::symlink;

use landfall_compose::{ExampleFile, codes};

use super::support::App;

#[test]
fn every_example_causes_its_code() {
    for page in codes() {
        let (links, files): (Vec<&ExampleFile>, Vec<&ExampleFile>) =
            page.example.iter().partition(|file| file.text.starts_with("-> "));
        let files: Vec<_> = files.iter().map(|file| (file.path, file.text)).collect();
        let app = App::new(&files);
        for link in links {
            let path = app.path(link.path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            symlink(link.text.trim_start_matches("-> "), path).unwrap();
        }
        let met = app.codes();
        let met: Vec<&str> = met.iter().map(|code| code.trim_end_matches('!')).collect();
        assert!(met.contains(&page.code), "{}: {met:?}\n{}", page.code, app.said());
    }
}
