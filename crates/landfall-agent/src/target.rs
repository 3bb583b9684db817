//! From a wish to a release: sealed anew, found among the older ones, or none at all.

use landfall_api::{DeployRequest, EventKind, Problem, ProblemCode, RollbackRequest};
use landfall_core::id::{AppName, ReleaseNumber};
use landfall_core::plan::RolloutKind;
use landfall_core::release::Release;

use crate::agent::{Agent, Past};
use crate::feed::Feed;
use crate::ground::{Ground, Store};
use crate::history;
use crate::wish::Wish;

/// Where a rollout leads to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) kind: RolloutKind,
    pub(crate) release: Option<Release>,
    /// Do nothing if this very release serves, whole.
    pub(crate) spare: bool,
}

/// Releases whose images are tagged; `None`: nothing took any away. One more may still be stored, when
/// the agent did not hear that its rollout's end is on record, and forgot nothing.
pub(crate) struct Left(Option<Vec<ReleaseNumber>>);

impl Left {
    /// Whether it can be gone back to, as far as images go.
    pub(crate) fn has(&self, number: ReleaseNumber) -> bool {
        self.0.as_ref().is_none_or(|left| left.contains(&number))
    }
}

impl<G: Ground> Agent<G> {
    /// The release that is wished for.
    pub(crate) async fn target(
        &self,
        app: &AppName,
        wish: &Wish,
        past: &Past,
        feed: &Feed,
    ) -> Result<Target, Problem> {
        let (release, spare) = match wish {
            Wish::Deploy(request) => (Some(self.seal(app, request, feed).await?), !request.force),
            Wish::RollBack(request) => (Some(self.older(app, request, past).await?), true),
            Wish::Down(_) => (None, true),
        };
        Ok(Target { kind: wish.kind(), release, spare })
    }

    async fn seal(
        &self,
        app: &AppName,
        request: &DeployRequest,
        feed: &Feed,
    ) -> Result<Release, Problem> {
        feed.say(EventKind::Preparing { what: "looking at images".to_owned() });
        let images = self.resolve_images(request, feed).await?;
        let number = self.store.next_release(app).await?;
        Release::seal(number, request.spec.clone(), images)
            .map_err(|error| Problem::new(ProblemCode::Internal, error.to_string()))
    }

    async fn older(
        &self,
        app: &AppName,
        request: &RollbackRequest,
        past: &Past,
    ) -> Result<Release, Problem> {
        let left = self.left_by_serving(app).await?;
        let release = match request.to {
            Some(number) => self.asked_for(app, number, past, &left).await?,
            None => self.newest_other(app, past, &left).await?,
        };
        self.check_images(&release).await?;
        Ok(release)
    }

    async fn asked_for(
        &self,
        app: &AppName,
        number: ReleaseNumber,
        past: &Past,
        left: &Left,
    ) -> Result<Release, Problem> {
        if !history::stable(&past.rollouts).contains(&number) {
            let message = format!("{app} has no release {number} that ever served");
            return Err(Problem::new(ProblemCode::NotFound, message)
                .hint("`landfall releases` lists those that can be rolled back to"));
        }
        let gone = || {
            let message = format!("release {number} of {app} is no longer kept");
            Problem::new(ProblemCode::NotFound, message)
                .hint("`keep` under `x-landfall` says how many are kept")
        };
        if !left.has(number) {
            return Err(gone());
        }
        self.store.release(app, number).await?.ok_or_else(gone)
    }

    /// What the rollout that serves has left to go back to.
    pub(crate) async fn left_by_serving(&self, app: &AppName) -> Result<Left, Problem> {
        let wanted = self.wanted(app).await?;
        Ok(Left(wanted.and_then(|wanted| history::left_by(&wanted.plan))))
    }

    /// The newest release that served, is kept, and is not what serves now.
    async fn newest_other(
        &self,
        app: &AppName,
        past: &Past,
        left: &Left,
    ) -> Result<Release, Problem> {
        let serving = past.serving.as_ref().map(|(_, release)| release);
        for number in history::stable(&past.rollouts).into_iter().rev() {
            if serving.is_some_and(|serving| serving.number == number) || !left.has(number) {
                continue;
            }
            let Some(release) = self.store.release(app, number).await? else { continue };
            if serving.is_none_or(|serving| serving.hash != release.hash) {
                return Ok(release);
            }
        }
        let message = format!("{app} has no other release to roll back to");
        Err(Problem::new(ProblemCode::NotFound, message))
    }
}
