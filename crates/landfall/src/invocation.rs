//! One run of a client command: settings, streams, the agent, and what is said on an interrupt.

use std::cell::{OnceCell, RefCell};

use landfall_api::AgentClient;
use landfall_core::id::AppName;

use crate::cli::Reach;
use crate::failure::Failure;
use crate::output::printer::Printer;
use crate::project::{self, Project};
use crate::remote::{self, HostWish, LOCAL, Tunnel};
use crate::settings::Settings;

/// What every command is given.
#[derive(Debug)]
pub(crate) struct Invocation {
    pub(crate) settings: Settings,
    pub(crate) printer: Printer,
    /// Another host's agent, once it was reached.
    tunnel: OnceCell<Tunnel>,
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
        let (tunnel, on_interrupt) = (OnceCell::new(), RefCell::default());
        Self { settings, printer, tunnel, on_interrupt }
    }

    /// Connects to another host, where one is meant and the verb has to do with it.
    pub(crate) async fn reach(&self, reach: Reach) -> Result<(), Failure> {
        let Some(wish) = &self.settings.host else { return Ok(()) };
        match reach {
            Reach::Nobody => return Ok(()),
            Reach::ThisHost(_) if wish.text == LOCAL => return Ok(()),
            Reach::ThisHost(verb) => return Err(elsewhere(verb, wish)),
            Reach::Agent => {}
        }
        let Some(host) = remote::find(wish, &self.settings.config_file)? else { return Ok(()) };
        let tunnel = Tunnel::new(host, self.settings.ssh.clone())?;
        tunnel.open().await?;
        self.printer.detail(&format!("connected to {}", tunnel.host()));
        self.tunnel.set(tunnel).ok();
        Ok(())
    }

    /// The connection to another host, if the agent is one of another host.
    pub(crate) fn tunnel(&self) -> Option<&Tunnel> {
        self.tunnel.get()
    }

    /// The agent that is asked.
    pub(crate) fn client(&self) -> AgentClient {
        match self.tunnel() {
            Some(tunnel) => tunnel.client(),
            None => AgentClient::new(&self.settings.paths.agent_socket),
        }
    }

    /// What has to stand behind a command that means the same agent.
    pub(crate) fn host_flag(&self) -> String {
        match (&self.settings.host, self.tunnel()) {
            (Some(wish), Some(tunnel)) if wish.is_flag => {
                format!(" --host {}", tunnel.host().as_flag())
            }
            _ => String::new(),
        }
    }

    /// A failure of a call, in the light of where the agent is.
    pub(crate) fn explain(&self, failure: Failure) -> Failure {
        match self.tunnel() {
            Some(tunnel) => failure.over_ssh(tunnel.host()),
            None => failure,
        }
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

/// A verb that only who stands beside the processes can carry out.
fn elsewhere(verb: &str, wish: &HostWish) -> Failure {
    let HostWish { text, is_flag, .. } = wish;
    let whose = if *is_flag { "" } else { " (LANDFALL_HOST)" };
    Failure::usage(format!("`landfall {verb}` is about this host, not about {text}{whose}"))
        .hint(format!("log in there and run it there, or mean this host with `--host {LOCAL}`"))
}
