//! How what runs in containers behaves.

use landfall_core::id::{AppName, ImageId, ServiceName};
use landfall_core::label::Labels;

/// How the containers of one image behave in one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Behaviour {
    /// Time from start to the first good answer; `None`: never.
    pub ready_after_ms: Option<u64>,
    /// Good answers before it turns bad for ever.
    pub good_answers: Option<u32>,
    /// Its health check says yes and no by turns until then.
    pub flaps_until_ms: Option<u64>,
    /// Exits that long after each start, with this code.
    pub exits: Option<(u64, i64)>,
    /// A one-off's duration and exit code.
    pub one_off: (u64, i64),
    /// Healthy, but what comes through the edge fails.
    pub bad_at_edge: bool,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            ready_after_ms: Some(30),
            good_answers: None,
            flaps_until_ms: None,
            exits: None,
            one_off: (40, 0),
            bad_at_edge: false,
        }
    }
}

impl Behaviour {
    /// It can never serve well.
    pub fn is_fatal(&self) -> bool {
        self.ready_after_ms.is_none()
            || self.good_answers.is_some()
            || self.exits.is_some()
            || self.one_off.1 != 0
            || self.one_off.0 > 1_000_000
            || self.bad_at_edge
    }
}

/// What does not behave well.
#[derive(Debug, Clone, Default)]
pub struct Behaviours(Vec<(AppName, ServiceName, String, Behaviour)>);

impl Behaviours {
    /// Says how an image behaves in a service.
    pub fn set(&mut self, app: &AppName, service: &str, image: &str, behaviour: Behaviour) {
        let service = service.parse().expect("a scenario's own name");
        self.0.push((app.clone(), service, format!("sha256:{image}"), behaviour));
    }

    /// How a container behaves.
    pub fn of(&self, labels: Option<&Labels>, image: &ImageId) -> Behaviour {
        let found = self.0.iter().find(|(app, service, of, _)| {
            labels.is_some_and(|l| l.app == *app && l.service.as_ref() == Some(service))
                && *of == image.0
        });
        found.map_or_else(Behaviour::default, |(_, _, _, behaviour)| *behaviour)
    }
}
