//! What compose files say, in one shape for all rules: services with their image, ports, mounts,
//! variables and command lines, each with its place. Judges nothing.

mod app;
mod command;
mod dockerfile;
mod dotenv;
mod image;
mod mount;
mod nginx;
mod port;
mod service;
mod variable;

pub(crate) use app::{App, Kinded, place};
pub(crate) use command::{CommandLine, split as words, words_of};
pub(crate) use dockerfile::{Dockerfile, Instruction, exec_form};
pub(crate) use dotenv::{DotEnv, Entry};
pub(crate) use image::Image;
pub(crate) use mount::{Mount, MountKind, mounts, volume_name};
pub(crate) use nginx::{Directive, nginx_files};
pub(crate) use port::{Port, ports};
pub(crate) use service::Service;
pub(crate) use variable::{Variable, variables};
