//! Rows of what else stands at the top of a file.

use super::row::{Row, rows};

const CONTAINERS_ONLY: &str = "landfall runs containers only";

pub(super) const ROWS: &[Row] = rows! {
    "name": Yes, Refused, "the name of the app";
    "version": Ignored("Compose files have no versions any more"), Yes, "the version of the format, once";
    "services": Yes, Yes, "the services of the app";
    "include": Yes, Refused, "further compose files that become part of this one";
    "include.*.path": Yes, Refused, "the file, and files that are laid over it";
    "include.*.env_file": Yes, Refused, "where its variables come from";
    "include.*.project_directory": Yes, Refused, "where its relative paths start";
    "models": Refused(CONTAINERS_ONLY), Refused, "AI models of the app";
    "models.*.model": Outer, Refused, "the model";
    "models.*.name": Outer, Refused, "its name";
    "models.*.context_size": Outer, Refused, "how many tokens it reads";
    "models.*.runtime_flags": Outer, Refused, "flags of the engine that runs it";
};
