//! What is known of images, commands and names in the wild. Tables and small questions, no files.

mod commands;
mod images;
mod names;

pub(crate) use crate::facts::words;
pub(crate) use commands::{
    has_word_run, is_development_server, is_scheduler, is_worker, migration, sleeps_in_a_loop,
};
pub(crate) use images::{Family, data_dir, family, lacks_tool};
pub(crate) use names::{
    extension, is_compose_file, is_data_name, is_database_file, is_secret, url_parts,
};
