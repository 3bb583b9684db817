//! The rules, one file per theme. A rule is a table entry: its texts and its function.

mod allow;
mod binds;
mod data;
mod dockerfile;
mod dollar;
mod dotenv;
mod engine;
mod health;
mod images;
mod limits;
mod names;
mod nginx;
mod older;
mod order;
mod overlay;
mod ports;
mod privileges;
mod probes;
mod process;
mod schedule;
mod script;
mod secrets;
mod sqlite;
mod values;
mod volumes;

use crate::rule::Rule;

/// Every theme's rules, in the order in which `landfall explain` lists them.
pub(crate) const THEMES: &[&[Rule]] = &[
    images::RULES,
    binds::RULES,
    volumes::RULES,
    data::RULES,
    sqlite::RULES,
    secrets::RULES,
    dotenv::RULES,
    dollar::RULES,
    values::RULES,
    ports::RULES,
    nginx::RULES,
    health::RULES,
    probes::RULES,
    order::RULES,
    names::RULES,
    overlay::RULES,
    process::RULES,
    schedule::RULES,
    limits::RULES,
    privileges::RULES,
    dockerfile::RULES,
    engine::RULES,
    allow::RULES,
];
