//! Rows of a service.

use super::row::{Row, rows};

pub(super) const ROWS: &[Row] = rows! {
    "services.*.image": Yes, Yes, "the image to run";
};
