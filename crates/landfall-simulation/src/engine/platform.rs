//! What the agent asks of the simulated engine beyond the transaction: every image is there already,
//! nothing is built, nobody else publishes a port.

use std::net::SocketAddr;

use landfall_agent::{Context, LogRequest, Platform, PullProgress, RawLogs};
use landfall_api::{BuildRequest, EngineInfo, Problem, ProblemCode};
use landfall_core::id::ImageId;
use landfall_core::release::SealedImage;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::EngineError;

use super::SimPlatform;

impl Platform for SimPlatform {
    async fn info(&self) -> Result<EngineInfo, EngineError> {
        self.ask("info", "", |world| {
            Ok(EngineInfo {
                version: "simulated".to_owned(),
                api_version: "1.41".to_owned(),
                storage: "none".to_owned(),
                platform: "linux/amd64".to_owned(),
                live_restore: world.engine.live_restore,
                warnings: Vec::new(),
            })
        })
        .await
    }

    async fn ping(&self) -> Result<(), EngineError> {
        self.ask("ping", "", |_| Ok(())).await
    }

    async fn image(
        &self,
        reference: &str,
        _: Option<&str>,
    ) -> Result<Option<SealedImage>, EngineError> {
        let owned = reference.to_owned();
        self.ask("image", reference, move |_| {
            let id = owned.strip_prefix("sha256:").unwrap_or(&owned);
            Ok(Some(SealedImage {
                id: ImageId(format!("sha256:{id}")),
                exposed: Vec::new(),
                healthcheck: None,
                volumes: Vec::new(),
            }))
        })
        .await
    }

    async fn pull(
        &self,
        _: &str,
        _: Option<&str>,
        _: &mut (dyn FnMut(PullProgress) + Send),
    ) -> Result<(), Problem> {
        Ok(())
    }

    async fn build(
        &self,
        _: &BuildRequest,
        _: Context,
        _: &mut (dyn FnMut(String) + Send),
    ) -> Result<ImageId, Problem> {
        Err(Problem::new(ProblemCode::Invalid, "nothing is built in a simulation"))
    }

    fn logs(&self, _: &str, _: LogRequest) -> RawLogs {
        Box::pin(futures_util::stream::empty())
    }

    async fn who_publishes(
        &self,
        _: SocketAddr,
        _: Protocol,
    ) -> Result<Option<String>, EngineError> {
        self.ask("who publishes", "", |_| Ok(None)).await
    }
}
