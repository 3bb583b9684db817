//! Whatever stands in the files of a project, reading and loading them ends without a panic.
#![no_main]

use std::sync::LazyLock;

use landfall_compose::{load, read};
use landfall_fuzz::Project;
use libfuzzer_sys::fuzz_target;

static PROJECT: LazyLock<Project> = LazyLock::new(Project::new);

fuzz_target!(|input: &[u8]| {
    let options = PROJECT.write(input);
    if let Ok(model) = read(&options) {
        drop(model.config());
    }
    drop(load(&options));
});
