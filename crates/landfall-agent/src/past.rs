//! What was, for people: releases and rollouts of an app, and their events.

use std::sync::Arc;

use landfall_api::{
    Outcome, Problem, ProblemCode, ReleaseState, ReleaseView, RolloutId, RolloutRef, RolloutView,
};
use landfall_core::id::{AppName, RolloutNumber};

use crate::agent::Agent;
use crate::feed::Feed;
use crate::ground::{Ground, Store};
use crate::history;
use crate::narrator::outcome;
use crate::status::no_app;
use crate::store::Began;

impl<G: Ground> Agent<G> {
    /// Releases, newest first.
    pub(crate) async fn releases(&self, app: &AppName) -> Result<Vec<ReleaseView>, Problem> {
        let rollouts = self.store.rollouts(app).await?;
        if rollouts.is_empty() {
            return Err(no_app(app));
        }
        let serving = history::serving(&rollouts).map(|since| since.release);
        let stable = history::stable(&rollouts);
        let pending = history::open(&rollouts).and_then(|open| open.header.release);
        let rows = self.store.releases(app).await?;
        let view = |row: crate::store::ReleaseRow| {
            let number = row.number;
            let state = if serving == Some(number) {
                ReleaseState::Serving
            } else if stable.contains(&number) {
                ReleaseState::Stable
            } else if pending == Some(number) {
                ReleaseState::Pending
            } else {
                ReleaseState::Failed
            };
            let services = row.release.iter().flat_map(|release| &release.spec.services);
            ReleaseView {
                number,
                hash: row.hash.clone(),
                created_at_ms: row.created_at_ms,
                by: row.by.clone(),
                message: row.message.clone(),
                commit: row.commit.clone(),
                state,
                kept: row.release.is_some() && stable.contains(&number),
                images: services.map(|(name, s)| (name.clone(), s.image.clone())).collect(),
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Rollouts that began, newest first.
    pub(crate) async fn rollouts(&self, app: &AppName) -> Result<Vec<RolloutView>, Problem> {
        let rollouts = self.store.rollouts(app).await?;
        if rollouts.is_empty() && self.leases.held(app).is_none() {
            return Err(no_app(app));
        }
        Ok(rollouts.into_iter().map(view).collect())
    }

    /// A rollout's events: those in memory, else rebuilt from its journal.
    pub(crate) async fn events(&self, app: &AppName, id: RolloutId) -> Result<Arc<Feed>, Problem> {
        let held = self.leases.feed(app, id);
        let number = match (id, &held) {
            (RolloutId::Number(_), Some(feed)) => return Ok(Arc::clone(feed)),
            (RolloutId::Number(number), None) => Some(number),
            (RolloutId::Latest, _) => {
                let newest = self.store.rollouts(app).await?;
                newest.first().map(|rollout| rollout.header.rollout)
            }
        };
        match (held, number) {
            (Some(feed), stored) if stored.is_none_or(|n| n <= feed.of().rollout) => Ok(feed),
            (_, Some(number)) => Ok(Arc::new(self.rebuild(app, number).await?)),
            (_, None) => Err(no_app(app)),
        }
    }

    async fn rebuild(&self, app: &AppName, number: RolloutNumber) -> Result<Feed, Problem> {
        if let Some(journal) = self.store.journal(app, number).await? {
            return Ok(Feed::rebuilt(&journal));
        }
        if number < self.store.peek_rollout(app).await? {
            return Ok(Feed::never_began(RolloutRef { app: app.clone(), rollout: number }));
        }
        let message = format!("{app} has no rollout {number}");
        Err(Problem::new(ProblemCode::NotFound, message))
    }
}

fn view(rollout: Began) -> RolloutView {
    let verdict = history::verdict(&rollout);
    let outcome: Option<Outcome> = verdict.map(outcome);
    RolloutView {
        ended_at_ms: verdict.map(|_| rollout.last.at_ms),
        outcome,
        rollout: rollout.header.rollout,
        kind: rollout.header.kind,
        release: rollout.header.release,
        by: rollout.header.by,
        opened_at_ms: rollout.header.opened_at_ms,
    }
}
