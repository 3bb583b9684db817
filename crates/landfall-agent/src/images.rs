//! Images of a new release: those already built, those the engine has, and those to be pulled.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use landfall_api::{DeployRequest, EventKind, Problem, ProblemCode};
use landfall_core::id::ServiceName;
use landfall_core::release::{Release, SealedImage};
use landfall_core::spec::PullPolicy;
use tokio::time::Instant;

use crate::agent::Agent;
use crate::feed::Feed;
use crate::ground::Ground;
use crate::platform::{Platform, PullProgress};
use crate::problems;

/// Images pulled at once.
const PULLS_MAX: usize = 3;
/// Time between two lines of progress of one pull.
const PROGRESS_EVERY: Duration = Duration::from_millis(250);

/// One image, for all services that want it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wanted {
    reference: String,
    platform: Option<String>,
    built: bool,
}

impl<G: Ground> Agent<G> {
    /// The image of each service; pulls what has to be pulled.
    pub(crate) async fn resolve_images(
        &self,
        request: &DeployRequest,
        feed: &Feed,
    ) -> Result<BTreeMap<ServiceName, SealedImage>, Problem> {
        let mut wanted: BTreeMap<Wanted, PullPolicy> = BTreeMap::new();
        let mut of_service = BTreeMap::new();
        for (name, service) in &request.spec.services {
            let built = request.images.get(name);
            let image = Wanted {
                reference: built.map_or_else(|| service.image.clone(), |id| id.0.clone()),
                platform: service.platform.clone(),
                built: built.is_some(),
            };
            let policy = wanted.entry(image.clone()).or_insert(service.pull);
            if service.pull == PullPolicy::Always {
                *policy = PullPolicy::Always;
            }
            of_service.insert(name.clone(), image);
        }
        let resolved: BTreeMap<Wanted, SealedImage> = stream::iter(wanted)
            .map(|(image, policy)| async move {
                let sealed = self.resolve_image(&image, policy, feed).await?;
                Ok::<_, Problem>((image, sealed))
            })
            .buffer_unordered(PULLS_MAX)
            .try_collect()
            .await?;
        let sealed = of_service
            .into_iter()
            .filter_map(|(name, image)| resolved.get(&image).map(|sealed| (name, sealed.clone())));
        Ok(sealed.collect())
    }

    async fn resolve_image(
        &self,
        image: &Wanted,
        policy: PullPolicy,
        feed: &Feed,
    ) -> Result<SealedImage, Problem> {
        let Wanted { reference, platform, built } = image;
        if (policy != PullPolicy::Always || *built)
            && let Some(sealed) = self.look_at_image(reference, platform.as_deref()).await?
        {
            return Ok(sealed);
        }
        let missing = |hint: &str| {
            let message = format!("the engine has no image {reference}");
            Err(Problem::new(ProblemCode::Image, message).hint(hint))
        };
        match policy {
            _ if *built => missing("it was built, and is gone: build it again"),
            PullPolicy::Never => {
                missing("its pull policy is `never`: load or build it on the host")
            }
            PullPolicy::Build => {
                missing("its pull policy is `build`, and no built image was given")
            }
            PullPolicy::Missing | PullPolicy::Always => {
                self.pull(reference, platform.as_deref(), feed).await?;
                match self.look_at_image(reference, platform.as_deref()).await? {
                    Some(sealed) => Ok(sealed),
                    None => missing("it was pulled, and yet is not there"),
                }
            }
        }
    }

    async fn look_at_image(
        &self,
        reference: &str,
        platform: Option<&str>,
    ) -> Result<Option<SealedImage>, Problem> {
        self.platform.image(reference, platform).await.map_err(|error| problems::engine(&error))
    }

    async fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        feed: &Feed,
    ) -> Result<(), Problem> {
        let say = |progress: PullProgress| {
            feed.say(EventKind::Pulling {
                image: reference.to_owned(),
                detail: progress.detail,
                current_bytes: progress.current_bytes,
                total_bytes: progress.total_bytes,
            });
        };
        say(PullProgress { detail: "pulling".to_owned(), current_bytes: None, total_bytes: None });
        let mut next = Instant::now() + PROGRESS_EVERY;
        let mut throttled = |progress: PullProgress| {
            if Instant::now() >= next {
                next = Instant::now() + PROGRESS_EVERY;
                say(progress);
            }
        };
        self.platform.pull(reference, platform, &mut throttled).await?;
        say(PullProgress { detail: "pulled".to_owned(), current_bytes: None, total_bytes: None });
        Ok(())
    }

    /// That the engine still has every image of an older release: nothing is pulled for it.
    pub(crate) async fn check_images(&self, release: &Release) -> Result<(), Problem> {
        let mut missing = Vec::new();
        for (name, sealed) in &release.images {
            if self.look_at_image(&sealed.id.0, None).await?.is_none() {
                let reference = release.spec.services.get(name).map_or("", |s| s.image.as_str());
                missing.push(format!("{name}: {reference} ({})", sealed.id));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let message = format!("images of release {} are gone from the engine", release.number);
        Err(Problem::new(ProblemCode::Image, message)
            .hint("something removed landfall's image tags; deploy that commit again instead")
            .details(missing))
    }
}
