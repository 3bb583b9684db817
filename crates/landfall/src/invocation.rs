//! One run of a client command: settings, streams, and what is said when it is interrupted.

use std::cell::RefCell;

use landfall_api::AgentClient;
use landfall_core::id::AppName;

use crate::failure::Failure;
use crate::output::printer::Printer;
use crate::project::{self, Project};
use crate::settings::Settings;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) settings: Settings,
    pub(crate) printer: Printer,
    on_interrupt: RefCell<OnInterrupt>,
}

/// What a person who interrupts has to know.
#[derive(Debug, Default)]
pub(crate) enum OnInterrupt {
    /// That it was interrupted.
    #[default]
    Plain,
    /// Nothing: it would have gone on for ever.
    Nothing,
    /// This.
    Lines(Vec<String>),
}

impl Invocation {
    pub(crate) fn new(settings: Settings) -> Self {
        let printer = Printer::new(settings.look);
        Self { settings, printer, on_interrupt: RefCell::default() }
    }

    /// The agent that is asked.
    pub(crate) fn client(&self) -> AgentClient {
        AgentClient::new(&self.settings.paths.agent_socket)
    }

    /// Loads the compose files; shows warnings, or fails with all findings.
    pub(crate) fn project(&self) -> Result<Project, Failure> {
        project::load(&self.settings.project, &self.printer)
    }

    /// Which app is meant: the name that was given, else that of the compose files.
    pub(crate) fn app(&self) -> Result<AppName, Failure> {
        if let Some(name) = &self.settings.project.name {
            return Ok(name.clone());
        }
        project::name(&self.settings.project, &self.printer)
    }

    /// What a person who interrupts from now on has to know.
    pub(crate) fn on_interrupt(&self, what: OnInterrupt) {
        self.on_interrupt.replace(what);
    }

    /// Says what a person who interrupts has to know.
    pub(crate) fn interrupted(&self) {
        self.printer.interrupted();
        match self.on_interrupt.take() {
            OnInterrupt::Plain => self.printer.announce("interrupted"),
            OnInterrupt::Nothing => {}
            OnInterrupt::Lines(lines) => self.printer.announce_all(&lines),
        }
    }
}
