//! The audit record: every change that was asked for, by whom, and what came of it.
//!
//! What cannot be written down is logged and goes on: a full disk must not keep anybody from calling a
//! rollout off.

use landfall_api::{
    AuditAction, AuditEntry, AuditFact, AuditQuery, AuditResult, Outcome, Problem, RolloutRef, Who,
};
use landfall_core::id::AppName;
use landfall_core::plan::RolloutKind;
use landfall_core::reason::Reason;

use crate::agent::Agent;
use crate::ground::{Ground, Store};
use crate::store::now_ms;

/// A fact without its particulars.
pub(crate) fn fact(who: Who, action: AuditAction, app: Option<&AppName>) -> AuditFact {
    AuditFact {
        who,
        action,
        app: app.cloned(),
        rollout: None,
        release: None,
        message: None,
        commit: None,
        result: AuditResult::Done,
    }
}

/// What a kind of rollout is asked for with.
pub(crate) fn action(kind: RolloutKind) -> AuditAction {
    match kind {
        RolloutKind::Deploy => AuditAction::Deploy,
        RolloutKind::RollBack => AuditAction::RollBack,
        RolloutKind::Down => AuditAction::Down,
        RolloutKind::Recovered => AuditAction::Recover,
    }
}

impl<G: Ground> Agent<G> {
    /// Writes a fact down.
    pub(crate) async fn audit(&self, fact: AuditFact) {
        if let Err(error) = self.store.audit(now_ms(), fact).await {
            tracing::error!(%error, "the audit record cannot be written");
        }
    }

    /// Writes down that this agent took over, and which one it is.
    pub(crate) async fn audit_start(&self) {
        let mut fact = fact(Who::Agent, AuditAction::Start, None);
        fact.message = Some(format!("landfall {}", env!("CARGO_PKG_VERSION")));
        self.audit(fact).await;
    }

    /// Writes down how a rollout ended.
    pub(crate) async fn audit_end(&self, of: &RolloutRef, kind: RolloutKind, outcome: Outcome) {
        self.audit_result(of, kind, AuditResult::Ended { outcome }).await;
    }

    /// Writes down that a rollout needs a person.
    pub(crate) async fn audit_stuck(&self, of: &RolloutRef, kind: RolloutKind, reason: Reason) {
        self.audit_result(of, kind, AuditResult::Stuck { reason }).await;
    }

    async fn audit_result(&self, of: &RolloutRef, kind: RolloutKind, result: AuditResult) {
        let mut fact = fact(Who::Agent, action(kind), Some(&of.app));
        fact.rollout = Some(of.rollout);
        fact.result = result;
        self.audit(fact).await;
    }

    /// Entries, newest first.
    pub(crate) async fn audited(&self, query: AuditQuery) -> Result<Vec<AuditEntry>, Problem> {
        Ok(self.store.audited(query).await?)
    }
}
