//! What the agent needs of the engine beyond the transaction's port: looking, pulling, building,
//! logs. The binary implements it over the Docker client; nothing here knows Docker.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use futures_util::stream::Stream;
use landfall_api::{BuildRequest, EngineInfo, LogStream, Problem, ProblemCode};
use landfall_core::id::{AppName, ImageId};
use landfall_core::release::SealedImage;
use landfall_core::secret::Secret;
use landfall_core::spec::Protocol;
use landfall_deploy::ports::{Engine, EngineError};

/// A build's context as it comes in. An error means that the rest will not come.
pub type Context = std::pin::Pin<Box<dyn Stream<Item = io::Result<Bytes>> + Send>>;

/// Raw log lines of one container.
pub type RawLogs = std::pin::Pin<Box<dyn Stream<Item = Result<RawLine, EngineError>> + Send>>;

/// An engine with everything the agent uses. Cloning is cheap and shares the connection.
pub trait Platform: Engine + Clone + 'static {
    /// The engine about itself.
    fn info(&self) -> impl Future<Output = Result<EngineInfo, EngineError>> + Send;

    /// Whether the engine answers. Asked every two seconds: to be overridden where there is something
    /// cheaper than [`Self::info`].
    fn ping(&self) -> impl Future<Output = Result<(), EngineError>> + Send {
        async { self.info().await.map(drop) }
    }

    /// An image by reference or id; `None` when the engine has no such image, or has it only for
    /// other platforms than the one asked for.
    fn image(
        &self,
        reference: &str,
        platform: Option<&str>,
    ) -> impl Future<Output = Result<Option<SealedImage>, EngineError>> + Send;

    /// Pulls an image and says how far it is. The problem is told to people as it is.
    fn pull(
        &self,
        reference: &str,
        platform: Option<&str>,
        progress: &mut (dyn FnMut(PullProgress) + Send),
    ) -> impl Future<Output = Result<(), Problem>> + Send;

    /// Builds an image; `output` gets its lines. Dropping the future stops the build. The problem is
    /// told to people as it is.
    fn build(
        &self,
        request: &BuildRequest,
        context: Context,
        output: &mut (dyn FnMut(String) + Send),
    ) -> impl Future<Output = Result<ImageId, Problem>> + Send;

    /// How many of these layers need not be sent, from the lowest on. Some engines can tell only for
    /// images with a tag of the given beginning. One that takes no images from us needs all of them.
    fn layers_present(
        &self,
        _layers: &[String],
        _known: &str,
    ) -> impl Future<Output = Result<usize, EngineError>> + Send {
        async { Ok(0) }
    }

    /// Tags of this beginning that alone keep their images.
    fn lone_tags(
        &self,
        _prefix: &str,
    ) -> impl Future<Output = Result<Vec<String>, EngineError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Loads an image from a tar that names it `tag`, and answers once it is proven that a container
    /// can be made of it and that it has these layers. Otherwise nothing stays of it.
    fn load(
        &self,
        _tag: &str,
        _layers: &[String],
        _tar: Context,
    ) -> impl Future<Output = Result<ImageId, Problem>> + Send {
        async {
            let message = "this engine takes images from registries only";
            Err(Problem::new(ProblemCode::Image, message))
        }
    }

    /// What a container writes, oldest first, always with timestamps. A followed stream ends when
    /// the container stops.
    fn logs(&self, container: &str, request: LogRequest) -> RawLogs;

    /// A container, looked at closely; `None` when there is none, or where the engine cannot tell.
    fn inspect(
        &self,
        _container: &str,
    ) -> impl Future<Output = Result<Option<Inspected>, EngineError>> + Send {
        async { Ok(None) }
    }

    /// What the engine says of itself and of us; `None` where it cannot tell.
    fn facts(&self) -> impl Future<Output = Result<Option<EngineFacts>, EngineError>> + Send {
        async { Ok(None) }
    }

    /// Containers of ours that run and that the engine does not know, until it is started again. None
    /// where that cannot be told.
    fn lost(&self) -> impl Future<Output = Result<Vec<LostContainer>, EngineError>> + Send {
        async { Ok(Vec::new()) }
    }

    /// Whether a container runs on networks that the engine has lost: addresses may still work, names and
    /// new networks do not, until it is started again.
    fn is_cut_off(
        &self,
        _container: &str,
    ) -> impl Future<Output = Result<bool, EngineError>> + Send {
        async { Ok(false) }
    }

    /// Whether a container runs and the engine takes it for one between an exit and the next start, for
    /// good: only stopping and starting it brings it back.
    fn is_mistaken(
        &self,
        _container: &str,
    ) -> impl Future<Output = Result<bool, EngineError>> + Send {
        async { Ok(false) }
    }

    /// The name of the container, ours or not, that publishes a host port through the engine.
    fn who_publishes(
        &self,
        address: SocketAddr,
        protocol: Protocol,
    ) -> impl Future<Output = Result<Option<String>, EngineError>> + Send;
}

/// What a container was made of.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inspected {
    /// The image that it runs.
    pub image: String,
    /// It runs again after the engine stopped.
    pub restarts: bool,
    /// Frozen.
    pub paused: bool,
    /// Its variables, the image's included.
    pub environment: BTreeMap<String, Secret<String>>,
    /// What is mounted at each path inside: a volume's name, or a host path.
    pub mounts: BTreeMap<String, String>,
    /// Host port and container port of each that the engine publishes.
    pub ports: Vec<(u16, u16)>,
}

/// What the engine says of itself and of us.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EngineFacts {
    /// Where its data is, on the host.
    pub root_dir: String,
    /// Loads of images that were cut off and left layers; `None`: not known.
    pub leaked_loads: Option<usize>,
    /// Its clock, in milliseconds since 1970.
    pub now_ms: Option<u64>,
    /// Apps that a container of ours is of.
    pub apps: BTreeSet<AppName>,
}

/// A container that runs and that the engine does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LostContainer {
    /// Its app.
    pub app: AppName,
    /// Its name.
    pub name: String,
}

/// How far a pull is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullProgress {
    /// The engine's own words.
    pub detail: String,
    /// Bytes here, over all layers, if known.
    pub current_bytes: Option<u64>,
    /// Bytes in all, if known.
    pub total_bytes: Option<u64>,
}

/// Which lines of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogRequest {
    /// At most so many old ones.
    pub tail: Option<u32>,
    /// Go on with new ones.
    pub follow: bool,
    /// Only from this time on, as an earlier [`RawLine::at_ms`] had it; a coarser engine may send
    /// older ones too.
    pub since_ms: Option<u64>,
}

/// One line of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawLine {
    /// When, in milliseconds since 1970; a line without a time has that of the line before.
    pub at_ms: u64,
    /// Where to.
    pub stream: LogStream,
    /// Without its end; invalid UTF-8 is replaced.
    pub text: String,
}
