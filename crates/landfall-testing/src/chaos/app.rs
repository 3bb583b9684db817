//! The app under chaos: its files, its images, its releases, and what users get of it.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::engine::Engine;
use crate::host::Project;
use crate::load::{Connection, Kind, LoadConfig, Part};

const COMPOSE: &str = include_str!("app/compose.yaml");
const PROGRAM: &str = include_str!("app/app.py");
const DOCKERFILE: &str = include_str!("app/Dockerfile");
const REPOSITORY: &str = "landfall-chaos";
const IMAGES: [&str; 2] = ["v1", "v2"];
const PORT: u16 = 18490;
const ANSWER_BOUND: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wish {
    /// What the release answers; no two releases answer the same.
    pub(super) word: String,
    /// The image's name.
    pub(super) image: String,
    /// Another number replaces redis in place.
    pub(super) store: u32,
    /// The singleton's hook fails: the deploy must be undone after nearly all was done.
    pub(super) broken: bool,
}

/// The app's folder.
pub(super) struct App {
    folder: PathBuf,
    data: PathBuf,
}

impl App {
    pub(super) const NAME: &str = "chaos";

    pub(super) fn new(folder: &Path) -> io::Result<Self> {
        let app = Self { folder: folder.join("app"), data: folder.join("orders") };
        fs::create_dir_all(app.folder.join("image"))?;
        fs::create_dir_all(&app.data)?;
        fs::write(app.folder.join("compose.yaml"), COMPOSE)?;
        fs::write(app.folder.join("image/app.py"), PROGRAM)?;
        fs::write(app.folder.join("image/Dockerfile"), DOCKERFILE)?;
        Ok(app)
    }

    /// Builds both images.
    pub(super) fn build(&self, engine: &Engine) -> io::Result<()> {
        let context = self.folder.join("image").display().to_string();
        for tag in IMAGES {
            let (name, argument) = (format!("{REPOSITORY}:{tag}"), format!("IMAGE={tag}"));
            engine.docker(&["build", "-q", "-t", &name, "--build-arg", &argument, &context])?;
        }
        Ok(())
    }

    /// Builds an image of this name that the registry in it is to have, pushes it, and lets the engine
    /// forget it.
    pub(super) fn publish(&self, engine: &Engine, name: &str) -> io::Result<()> {
        let (context, label) =
            (self.folder.join("image").display().to_string(), format!("n={name}"));
        let argument = format!("IMAGE={name}");
        let what = ["--label", &label, "--build-arg", &argument, &context];
        engine.docker(&[&["build", "-q", "-t", name][..], &what].concat())?;
        engine.docker(&["push", name])?;
        engine.docker(&["rmi", "-f", name]).map(drop)
    }

    /// The n-th wish: its own word, the images in turn.
    pub(super) fn wish(number: u32, store: u32, broken: bool) -> Wish {
        let image = format!("{REPOSITORY}:{}", IMAGES[number as usize % IMAGES.len()]);
        Wish { word: format!("w{number}"), image, store, broken }
    }

    /// The project as it has to be deployed; writes the sealed file.
    pub(super) fn project(&self, wish: &Wish) -> io::Result<Project> {
        fs::write(self.folder.join("word.txt"), format!("{}\n", wish.word))?;
        let beat = if wish.broken { "broken" } else { "fine" };
        Ok(Project::new(&self.folder, Self::NAME)
            .with("IMAGE", &wish.image)
            .with("WORD", &wish.word)
            .with("STORE", &wish.store.to_string())
            .with("BEAT", beat)
            .with("HTTP_PORT", &PORT.to_string())
            .with("DATA", &self.data.display().to_string()))
    }

    /// Readers and writers, all the time.
    pub(super) fn load() -> LoadConfig {
        use Connection::{Fresh, KeepAlive};
        LoadConfig {
            mix: vec![
                Part::new(Kind::Page, KeepAlive, 20),
                Part::new(Kind::Page, Fresh, 10),
                Part::new(Kind::Version, KeepAlive, 10),
                Part::new(Kind::Version, Fresh, 10),
                Part::new(Kind::Order, KeepAlive, 5),
                Part::new(Kind::Order, Fresh, 5),
            ],
            rate_per_s: 60,
            page_text: "the app under chaos".to_owned(),
            // Requests may be held while an engine restarts.
            in_flight_max: 2_000,
            timeout: Duration::from_secs(30),
            repeats_max: 1,
            failures_max: 5_000,
            check_bound: Duration::from_mins(10),
            ..LoadConfig::plain(&format!("127.0.0.1:{PORT}"))
        }
    }

    /// What users get from a path.
    pub(super) fn get(path: &str) -> io::Result<(u16, Value)> {
        let mut stream = TcpStream::connect(("127.0.0.1", PORT))?;
        stream.set_read_timeout(Some(ANSWER_BOUND))?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: chaos\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes())?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        let status = answer.split(' ').nth(1).and_then(|code| code.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("no HTTP answer"))?;
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok((status, serde_json::from_str(body).unwrap_or_default()))
    }

    /// A value in redis, as the app tells it.
    pub(super) fn stored(key: &str) -> io::Result<Option<String>> {
        let (status, body) = Self::get(&format!("/get/{key}"))?;
        match status {
            200 => Ok(body["value"].as_str().map(str::to_owned)),
            _ => Err(io::Error::other(format!("{key}: {status} {body}"))),
        }
    }
}
