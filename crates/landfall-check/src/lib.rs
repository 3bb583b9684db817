//! The rules of `landfall check`: what of a Compose app would hurt in production, found without
//! deploying it.
//!
//! [`check`] looks at a [`Model`] and its [`Surroundings`]: the project's folder, and the facts of an
//! engine when somebody asked one. [`rules`] lists every rule with its reasons, for `landfall explain`
//! and the documents. The crate starts no process and asks no engine; it reads small files below the
//! project's folder through [`Folder`].
//!
//! Reading order: `facts` (what a compose file says, in one shape), `know` (what is known of images,
//! commands and names), then one file of `rules` per theme.

mod facts;
mod finding;
mod folder;
mod git;
mod know;
mod rule;
mod rules;
mod surroundings;

use landfall_compose::Model;

pub use finding::{Finding, Related};
pub use folder::{Disk, Folder, Kind};
pub use rule::{Rule, rule, rules};
pub use surroundings::{
    ContainerFacts, DiskFacts, EngineFacts, ImageFacts, ListeningPort, Purpose, Questions,
    Surroundings, VolumeFacts, questions,
};

use facts::App;
use finding::Out;

/// Everything that the rules find, in the order of the files.
///
/// What `x-landfall: {allow: […]}` names at the top or in a service is left out. Variables without a
/// value are among the findings, so the model's own warnings about them need not be shown as well.
pub fn check(model: &Model, surroundings: &Surroundings) -> Vec<Finding> {
    let app = App::new(model, surroundings);
    let mut found = Vec::new();
    for rule in rules() {
        if app.allows(rule.id) {
            continue;
        }
        let mut out = Out::new(rule);
        (rule.run)(&app, &mut out);
        found.extend(out.finish());
    }
    found.sort_by(|a, b| (a.at.is_none(), &a.at).cmp(&(b.at.is_none(), &b.at)));
    found
}
