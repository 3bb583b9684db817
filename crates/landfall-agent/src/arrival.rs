//! Images that clients send, where there is no registry that both sides reach.
//!
//! Contents come packed and without names ([`tar`] makes of them what engines load). The engine loads
//! them under a throw-away tag; only what is proven gets a tag that lasts, named by the digest of the
//! image's configuration. That tag keeps the image until a release does, and tells later which layers
//! are here.

mod tar;

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Read, Write};
use std::time::Duration;

use bytes::{Buf, Bytes};
use flate2::read::GzDecoder;
use futures_util::stream::{self, StreamExt};
use landfall_api::{ImageAnswer, ImagePush, ImageQuery, Problem, ProblemCode};
use landfall_core::id::ImageId;
use landfall_deploy::ports::Engine;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use self::tar::BadImage;
use crate::agent::Agent;
use crate::ground::Ground;
use crate::platform::{Context, Platform};
use crate::problems;

/// Repository of images that are being loaded.
const LOADING: &str = "landfall/load";
/// Repository of images that were.
const PUSHED: &str = "landfall/pushed";
/// An image that no release has taken up is kept so long.
const KEPT_FOR: Duration = Duration::from_hours(24);
/// Silence after which a client counts as gone.
const IDLE_MAX: Duration = Duration::from_mins(2);
/// Time between two words about how much has come.
const TOLD_EVERY: Duration = Duration::from_millis(250);
/// Chunks that wait on either side of the unpacking thread.
const CHUNKS_MAX: usize = 16;
/// What goes to the engine at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Images that came in.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Tags that may be the last ones of their images, and since when they have been known.
    lone: BTreeMap<String, Instant>,
    /// Makes throw-away tags differ.
    count: u64,
}

impl<G: Ground> Agent<G> {
    /// What the engine has of an image.
    pub(crate) async fn has_of_image(&self, query: &ImageQuery) -> Result<ImageAnswer, Problem> {
        let failed = |error| problems::engine(&error);
        let platform = self.platform.info().await.map_err(failed)?.platform;
        let find = async |reference: &str| {
            let found = self.platform.image(reference, None).await.map_err(failed)?;
            Ok::<_, Problem>(found.map(|sealed| sealed.id))
        };
        let has_reference = find(&query.reference).await?.is_some();
        let mut image = None;
        if let Some(config) = &query.config {
            image = find(&format!("{PUSHED}:{}", config.hex())).await?;
            if image.is_none() {
                // Older stores name images by their configuration.
                image = find(config.as_str()).await?;
            }
        }
        let layers: Vec<String> = query.layers.iter().map(ToString::to_string).collect();
        let layers_present = if image.is_some() {
            layers.len()
        } else {
            let known = format!("{PUSHED}:");
            self.platform.layers_present(&layers, &known).await.map_err(failed)?
        };
        Ok(ImageAnswer { platform, has_reference, image, layers_present })
    }

    /// Takes an image in: its id, and how many bytes came over the wire.
    pub(crate) async fn take_in(
        &self,
        push: ImagePush,
        contents: Context,
        told: impl FnMut(u64),
    ) -> Result<(ImageId, u64), Problem> {
        tar::check(&push).map_err(|bad| refused(&push.reference, &bad))?;
        let failed = |error| problems::engine(&error);
        let mut arrivals = self.arrivals.lock().await;
        self.clear_away(&mut arrivals).await?;
        arrivals.count += 1;
        let version = arrivals.count.to_string();
        let loading = format!("{LOADING}:{version}");
        let pushed = format!("{PUSHED}:{}", push.config.digest.hex());
        let (image, wire_bytes) = self.load(push, version, contents, told).await?;
        self.platform.tag(&image, &pushed).await.map_err(failed)?;
        self.platform.untag(&loading).await.map_err(failed)?;
        arrivals.lone.insert(pushed, Instant::now());
        Ok((image, wire_bytes))
    }

    async fn load(
        &self,
        push: ImagePush,
        version: String,
        contents: Context,
        told: impl FnMut(u64),
    ) -> Result<(ImageId, u64), Problem> {
        let reference = push.reference.clone();
        let layers: Vec<String> = push.layers.iter().map(|l| l.part.digest.to_string()).collect();
        let tag = format!("{LOADING}:{version}");
        let (packed, packed_in) = mpsc::channel(CHUNKS_MAX);
        let (tar_out, tar) = mpsc::channel(CHUNKS_MAX);
        let unpacking = tokio::task::spawn_blocking(move || {
            let contents = GzDecoder::new(Incoming { chunks: packed_in, now: Bytes::new() });
            let out = BufWriter::with_capacity(CHUNK_BYTES, Outgoing(&tar_out));
            let written = tar::write(&push, (LOADING, &version), contents, out);
            if written.is_err() {
                // Half a tar must not be taken for a whole one.
                tar_out.blocking_send(Err(io::ErrorKind::InvalidData.into())).ok();
            }
            written
        });
        let tar: Context = Box::pin(stream::unfold(tar, |mut tar| async {
            tar.recv().await.map(|chunk| (chunk, tar))
        }));
        let loading = self.platform.load(&tag, &layers, tar);
        let (wire_bytes, loaded) = tokio::join!(pump(contents, packed, told), loading);
        let written = unpacking.await.map_err(|error| {
            Problem::new(ProblemCode::Internal, format!("unpacking {reference} died: {error}"))
        })?;
        match (written, loaded) {
            (Ok(()), Ok(image)) => Ok((image, wire_bytes)),
            // What the engine did not want any more of, it says itself.
            (Ok(()) | Err(BadImage::HungUp(_)), Err(problem)) => Err(problem),
            (Err(bad), _) => Err(refused(&reference, &bad)),
        }
    }

    /// Removes what an interrupted push left, and images that no release took up in a day.
    async fn clear_away(&self, arrivals: &mut Arrivals) -> Result<(), Problem> {
        let failed = |error| problems::engine(&error);
        for tag in self.platform.tags(&format!("{LOADING}:")).await.map_err(failed)? {
            self.platform.untag(&tag).await.map_err(failed)?;
        }
        let lone = self.platform.lone_tags(&format!("{PUSHED}:")).await.map_err(failed)?;
        arrivals.lone.retain(|tag, _| lone.contains(tag));
        for tag in lone {
            let since = *arrivals.lone.entry(tag.clone()).or_insert_with(Instant::now);
            if since.elapsed() > KEPT_FOR {
                self.platform.untag(&tag).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn refused(reference: &str, bad: &BadImage) -> Problem {
    let message = format!("{reference} was not taken: {bad}");
    let source = std::error::Error::source(bad).map(ToString::to_string);
    Problem::new(ProblemCode::Image, message).details(source.into_iter().collect())
}

/// Hands chunks on until they end, or nobody wants them; answers how many bytes came.
async fn pump(
    mut contents: Context,
    packed: mpsc::Sender<io::Result<Bytes>>,
    mut told: impl FnMut(u64),
) -> u64 {
    let (mut bytes, mut next) = (0, Instant::now() + TOLD_EVERY);
    loop {
        let chunk = match timeout(IDLE_MAX, contents.next()).await {
            Ok(None) => return bytes,
            Ok(Some(chunk)) => chunk,
            Err(_) => Err(io::ErrorKind::TimedOut.into()),
        };
        bytes += chunk.as_ref().map_or(0, Bytes::len) as u64;
        let is_last = chunk.is_err();
        if packed.send(chunk).await.is_err() || is_last {
            return bytes;
        }
        if Instant::now() >= next {
            next = Instant::now() + TOLD_EVERY;
            told(bytes);
        }
    }
}

/// Chunks as a reader, for a thread.
struct Incoming {
    chunks: mpsc::Receiver<io::Result<Bytes>>,
    now: Bytes,
}

impl Read for Incoming {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.now.is_empty() {
            match self.chunks.blocking_recv() {
                None => return Ok(0),
                Some(chunk) => self.now = chunk?,
            }
        }
        let n = self.now.len().min(out.len());
        self.now.copy_to_slice(&mut out[..n]);
        Ok(n)
    }
}

/// Chunks out of a writer, on a thread.
struct Outgoing<'a>(&'a mpsc::Sender<io::Result<Bytes>>);

impl Write for Outgoing<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
