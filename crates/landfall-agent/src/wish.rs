//! What a person wants, before it is known whether it can be done.

use std::net::SocketAddr;

use landfall_api::{DeployRequest, DownRequest, Problem, ProblemCode, RollbackRequest};
use landfall_core::id::AppName;
use landfall_core::plan::RolloutKind;
use landfall_core::spec::AppSettings;

/// One of the three.
#[derive(Debug)]
pub(crate) enum Wish {
    /// A new release.
    Deploy(Box<DeployRequest>),
    /// An older one.
    RollBack(RollbackRequest),
    /// None.
    Down(DownRequest),
}

/// Longest `by`, `message` and `commit`.
const TEXT_MAX_BYTES: usize = 4096;

impl Wish {
    /// What its rollout is for.
    pub(crate) fn kind(&self) -> RolloutKind {
        match self {
            Self::Deploy(_) => RolloutKind::Deploy,
            Self::RollBack(_) => RolloutKind::RollBack,
            Self::Down(_) => RolloutKind::Down,
        }
    }

    /// Who wants it.
    pub(crate) fn by(&self) -> &str {
        match self {
            Self::Deploy(request) => &request.by,
            Self::RollBack(request) => &request.by,
            Self::Down(request) => &request.by,
        }
    }

    /// Only a plan is wanted.
    pub(crate) fn plan_only(&self) -> bool {
        match self {
            Self::Deploy(request) => request.plan_only,
            Self::RollBack(request) => request.plan_only,
            Self::Down(request) => request.plan_only,
        }
    }

    /// Whether it waits for consent before its cutover. Going back is urgent: only who says so waits.
    pub(crate) fn is_held(&self, settings: &AppSettings) -> bool {
        match self {
            Self::Deploy(request) => request.hold.unwrap_or(settings.hold),
            Self::RollBack(request) => request.hold,
            Self::Down(_) => false,
        }
    }

    /// Where a preview is wanted.
    pub(crate) fn preview(&self) -> Option<SocketAddr> {
        match self {
            Self::Deploy(request) => request.preview,
            Self::RollBack(request) => request.preview,
            Self::Down(_) => None,
        }
    }

    /// What can be said without looking anywhere.
    pub(crate) fn check(&self, app: &AppName) -> Result<(), Problem> {
        let invalid = |message: String| Err(Problem::new(ProblemCode::Invalid, message));
        let mut texts = vec![("by", Some(self.by()))];
        if let Self::Deploy(request) = self {
            if request.spec.name != *app {
                return invalid(format!("the spec is of {}, not of {app}", request.spec.name));
            }
            if request.spec.services.is_empty() {
                return invalid(format!("{app} has no services"));
            }
            if let Some(name) =
                request.images.keys().find(|name| !request.spec.services.contains_key(name))
            {
                return invalid(format!("an image is given for {name}, which is no service"));
            }
            texts.push(("message", request.message.as_deref()));
            texts.push(("commit", request.commit.as_deref()));
        }
        texts.into_iter().try_for_each(|(name, text)| check_text(name, text.unwrap_or_default()))
    }
}

/// Refuses a text that is too long.
pub(crate) fn check_text(name: &str, text: &str) -> Result<(), Problem> {
    if text.len() > TEXT_MAX_BYTES {
        let message = format!("`{name}` is longer than {TEXT_MAX_BYTES} bytes");
        return Err(Problem::new(ProblemCode::Invalid, message));
    }
    Ok(())
}
