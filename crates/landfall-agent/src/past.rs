//! What was, for people: releases and rollouts of an app, and their events.

use std::sync::Arc;

use landfall_api::{
    HistoryEntry, OpenRollout, Problem, ProblemCode, ReleaseDiff, ReleaseState, ReleaseView,
    RolloutId, RolloutRef, RolloutReport, RolloutView,
};
use landfall_core::diff;
use landfall_core::id::{AppName, ReleaseNumber, RolloutNumber};
use landfall_core::plan::RolloutKind;
use landfall_core::release::Release;

use crate::agent::Agent;
use crate::feed::Feed;
use crate::ground::{Ground, Store};
use crate::history;
use crate::narrator::outcome;
use crate::report;
use crate::status::no_app;
use crate::store::{Began, ReleaseRow};

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
        let left = self.left_by_serving(app).await?;
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
                kept: row.release.is_some() && stable.contains(&number) && left.has(number),
                images: services.map(|(name, s)| (name.clone(), s.image.clone())).collect(),
            }
        };
        Ok(rows.into_iter().map(view).collect())
    }

    /// Rollouts, newest first; one that still prepares among them.
    pub(crate) async fn rollouts(&self, app: &AppName) -> Result<Vec<RolloutView>, Problem> {
        let rollouts = self.store.rollouts(app).await?;
        let open = self.leases.held(app).map(|lease| lease.view());
        if rollouts.is_empty() && open.is_none() {
            return Err(no_app(app));
        }
        let notes = self.store.releases(app).await?;
        let preparing =
            open.iter().filter(|o| rollouts.iter().all(|r| r.header.rollout != o.rollout));
        let preparing: Vec<_> = preparing.map(prepares).collect();
        let views = rollouts.iter().map(|rollout| view(rollout, &notes, open.as_ref()));
        Ok(preparing.into_iter().chain(views).collect())
    }

    /// One rollout, step by step.
    pub(crate) async fn report(
        &self,
        app: &AppName,
        id: RolloutId,
    ) -> Result<RolloutReport, Problem> {
        let rollouts = self.rollouts(app).await?;
        let wanted = |view: &RolloutView| match id {
            RolloutId::Latest => true,
            RolloutId::Number(number) => view.rollout == number,
        };
        let view = rollouts.into_iter().find(wanted).ok_or_else(|| match id {
            RolloutId::Latest => no_app(app),
            RolloutId::Number(number) => {
                let problem = no_rollout(app, number);
                problem.hint("`landfall rollouts` lists them; one that never began is not kept")
            }
        })?;
        match self.store.journal(app, view.rollout).await? {
            Some(journal) => Ok(report::report(app, view, &journal.entries)),
            None => Ok(report::preparing(app, view)),
        }
    }

    /// What served when, and what was tried; newest first.
    pub(crate) async fn history(&self, app: &AppName) -> Result<Vec<HistoryEntry>, Problem> {
        Ok(history::told(self.rollouts(app).await?))
    }

    /// What differs between two kept releases: from `from` to `to`. By default `to` is what serves
    /// and `from` the newest kept one beside it, by number the one before if there is one.
    pub(crate) async fn diff(
        &self,
        app: &AppName,
        from: Option<ReleaseNumber>,
        to: Option<ReleaseNumber>,
    ) -> Result<ReleaseDiff, Problem> {
        let rollouts = self.store.rollouts(app).await?;
        if rollouts.is_empty() {
            return Err(no_app(app));
        }
        let serving = history::serving(&rollouts).map(|since| since.release);
        let kept: Vec<_> = self.store.releases(app).await?;
        let kept: Vec<_> = kept.into_iter().filter_map(|row| row.release).collect();
        let to = to.or(serving).or(kept.first().map(|newest| newest.number));
        let before = |release: &&Release| to.is_some_and(|to| release.number < to);
        let other = |release: &&Release| Some(release.number) != to;
        let nearest = kept.iter().find(before).or_else(|| kept.iter().find(other));
        let from = from.or(nearest.map(|release| release.number));
        let find = |number: Option<ReleaseNumber>| {
            let none = || {
                let message = format!("{app} has no two releases to compare");
                Problem::new(ProblemCode::NotFound, message)
            };
            let number = number.ok_or_else(none)?;
            kept.iter().find(|release| release.number == number).ok_or_else(|| {
                let message = format!("release {number} of {app} is not kept");
                Problem::new(ProblemCode::NotFound, message)
                    .hint("`landfall releases` lists those that are")
            })
        };
        let (from, to) = (find(from)?, find(to)?);
        let differences = diff::diff(from, to);
        Ok(ReleaseDiff { from: from.number, to: to.number, serving, differences })
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
        Err(no_rollout(app, number))
    }
}

fn no_rollout(app: &AppName, number: RolloutNumber) -> Problem {
    Problem::new(ProblemCode::NotFound, format!("{app} has no rollout {number}"))
}

fn view(rollout: &Began, notes: &[ReleaseRow], open: Option<&OpenRollout>) -> RolloutView {
    let verdict = history::verdict(rollout);
    let header = &rollout.header;
    let note = notes.iter().find(|row| Some(row.number) == header.release);
    // The message belongs to the deploy that sealed the release, the commit to the release.
    let message = note.filter(|_| header.kind == RolloutKind::Deploy);
    RolloutView {
        ended_at_ms: verdict.map(|_| rollout.last.at_ms),
        outcome: verdict.map(outcome),
        phase: open.filter(|open| open.rollout == header.rollout).map(|open| open.phase.clone()),
        message: message.and_then(|note| note.message.clone()),
        commit: note.and_then(|note| note.commit.clone()),
        rollout: header.rollout,
        kind: header.kind,
        release: header.release,
        by: header.by.clone(),
        opened_at_ms: header.opened_at_ms,
    }
}

/// A rollout of which nothing is durable yet.
fn prepares(open: &OpenRollout) -> RolloutView {
    RolloutView {
        rollout: open.rollout,
        kind: open.kind,
        release: open.release,
        by: open.by.clone(),
        opened_at_ms: open.since_ms,
        ended_at_ms: None,
        outcome: None,
        phase: Some(open.phase.clone()),
        message: None,
        commit: None,
    }
}
