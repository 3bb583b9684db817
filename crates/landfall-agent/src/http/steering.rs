//! Calls that steer a rollout that is open. Each is written down, whatever comes of it.

use axum::Json;
use axum::extract::State;
use landfall_api::{
    AbandonRequest, Abandoned, AuditAction, AuditResult, Problem, PromoteRequest, RepairRequest,
    Repaired, RolloutId, RolloutRef,
};
use landfall_core::id::{AppName, RolloutNumber};

use super::Site;
use super::answer::{Answer, App, Which, Wire};
use super::caller::Caller;
use crate::audit;
use crate::ground::Ground;

pub(super) async fn cancel<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Which(id): Which,
) -> Answer<RolloutRef> {
    let answer = site.agent.call_off_told(&app, id).await;
    let steered = Steered { app: &app, id, action: AuditAction::Cancel };
    steered.write_down(&site, &caller, &answer, |of| of.rollout).await;
    Ok(Json(answer?))
}

pub(super) async fn promote<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Which(id): Which,
    Wire(request): Wire<PromoteRequest>,
) -> Answer<RolloutRef> {
    let who = caller.who(Some(&request.by));
    let answer = site.agent.promote(&app, id, request).await;
    let mut fact = audit::fact(who, AuditAction::Promote, Some(&app));
    fact.rollout = answer.as_ref().ok().map(|of| of.rollout).or(number(id));
    if let Err(problem) = &answer {
        fact.result = AuditResult::Refused { problem: problem.clone() };
    }
    site.agent.audit(fact).await;
    Ok(Json(answer?))
}

pub(super) async fn resume<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Which(id): Which,
) -> Answer<RolloutRef> {
    let answer = site.agent.resume(&app, id).await;
    let steered = Steered { app: &app, id, action: AuditAction::Resume };
    steered.write_down(&site, &caller, &answer, |of| of.rollout).await;
    Ok(Json(answer?))
}

pub(super) async fn abandon<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Which(id): Which,
    Wire(request): Wire<AbandonRequest>,
) -> Answer<Abandoned> {
    let answer = site.agent.abandon(&app, id, &request).await;
    if !request.plan_only {
        let mut fact = audit::fact(caller.who(Some(&request.by)), AuditAction::Abandon, Some(&app));
        fact.rollout = answer.as_ref().ok().map(|done| done.rollout.rollout).or(number(id));
        fact.message.clone_from(&request.message);
        if let Err(problem) = &answer {
            fact.result = AuditResult::Refused { problem: problem.clone() };
        }
        site.agent.audit(fact).await;
    }
    Ok(Json(answer?))
}

pub(super) async fn repair<G: Ground>(
    State(site): State<Site<G>>,
    caller: Caller,
    App(app): App,
    Wire(request): Wire<RepairRequest>,
) -> Answer<Repaired> {
    let who = caller.who(Some(&request.by));
    // Written down before anything is touched, and again with what was done.
    let mut fact = audit::fact(who, AuditAction::Repair, Some(&app));
    fact.result = AuditResult::Accepted;
    site.agent.audit(fact.clone()).await;
    let answer = site.agent.repair(&app).await;
    match &answer {
        Ok(repaired) => {
            fact.result = AuditResult::Done;
            let failed = repaired.failed.iter().map(|what| format!("failed: {what}"));
            let all: Vec<_> = repaired.done.iter().cloned().chain(failed).collect();
            fact.message = Some(all.join("; "));
        }
        Err(problem) => fact.result = AuditResult::Refused { problem: problem.clone() },
    }
    site.agent.audit(fact).await;
    Ok(Json(answer?))
}

/// What was asked of which rollout.
struct Steered<'a> {
    app: &'a AppName,
    id: RolloutId,
    action: AuditAction,
}

impl Steered<'_> {
    async fn write_down<G: Ground, T>(
        &self,
        site: &Site<G>,
        caller: &Caller,
        answer: &Result<T, Problem>,
        of: impl Fn(&T) -> RolloutNumber,
    ) {
        let mut fact = audit::fact(caller.who(None), self.action, Some(self.app));
        match answer {
            Ok(done) => fact.rollout = Some(of(done)),
            Err(problem) => {
                fact.rollout = number(self.id);
                fact.result = AuditResult::Refused { problem: problem.clone() };
            }
        }
        site.agent.audit(fact).await;
    }
}

fn number(id: RolloutId) -> Option<RolloutNumber> {
    match id {
        RolloutId::Latest => None,
        RolloutId::Number(number) => Some(number),
    }
}
