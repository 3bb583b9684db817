//! What is sent, where to, and how fast.

use std::time::Duration;

use serde::Serialize;

/// What kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// `GET` of [`LoadConfig::page_path`], which must contain [`LoadConfig::page_text`].
    Page,
    /// `GET /api/products`.
    Api,
    /// `GET` of a stylesheet.
    Static,
    /// `GET /version`, whose body must name the release that its header names.
    Version,
    /// `POST /api/orders` with a uuid of its own; must be answered by 201, which is remembered.
    Order,
    /// `GET /slow`.
    Slow,
    /// `POST /upload`, sent in pieces with pauses, so that it is under way for a while.
    Upload,
}

/// On which connection a request goes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connection {
    /// A kept one, when there is one.
    KeepAlive,
    /// A new one, closed by us after the answer.
    Fresh,
}

/// A part of the mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// What is sent.
    pub kind: Kind,
    /// On which connection.
    pub connection: Connection,
    /// How often, relative to the other parts.
    pub weight: u32,
}

impl Part {
    /// A part of the mixture.
    pub const fn new(kind: Kind, connection: Connection, weight: u32) -> Self {
        Self { kind, connection, weight }
    }
}

/// What is sent, where to, and how fast. Start from one of the constructors.
#[derive(Clone, Debug)]
pub struct LoadConfig {
    /// `host:port`.
    pub target: String,
    /// The `Host` header; the target when none is given.
    pub host: Option<String>,
    /// Requests a second, over all kinds.
    pub rate_per_s: u32,
    /// Requests at a time. One that would be above this is not sent and counts as skipped.
    pub in_flight_max: usize,
    /// What is sent. Parts of weight 0 are left out.
    pub mix: Vec<Part>,
    /// From sending to the end of the answer; longer counts as failed.
    pub timeout: Duration,
    /// A close that a kept connection had before the request is seen within this.
    pub stale_within: Duration,
    /// How often a `GET` goes out again when its connection ended before the answer, and an order likewise,
    /// which then carries an `Idempotency-Key`. The strict loads do not: they are to see each such end.
    pub repeats_max: u32,
    /// Answers above this count as slow (and, if right, as ok).
    pub slow_above: Duration,
    /// The path of [`Kind::Page`].
    pub page_path: String,
    /// What the page must contain.
    pub page_text: String,
    /// The path of [`Kind::Static`].
    pub static_path: String,
    /// How long [`Kind::Slow`] asks the server to take.
    pub slow_ms: u64,
    /// The size of an upload.
    pub upload_bytes: usize,
    /// How long sending an upload takes.
    pub upload_time: Duration,
    /// Descriptions of failures kept in the report.
    pub failures_max: usize,
    /// How long the check of the acknowledged orders may take.
    pub check_bound: Duration,
}

impl LoadConfig {
    /// Everything the example shop's customers do: 40 requests a second suit two cores.
    pub fn shop(target: &str) -> Self {
        use Connection::{Fresh, KeepAlive};
        Self {
            mix: vec![
                Part::new(Kind::Page, KeepAlive, 20),
                Part::new(Kind::Page, Fresh, 10),
                Part::new(Kind::Api, KeepAlive, 15),
                Part::new(Kind::Static, KeepAlive, 15),
                Part::new(Kind::Version, Fresh, 10),
                Part::new(Kind::Order, KeepAlive, 7),
                Part::new(Kind::Order, Fresh, 8),
                Part::new(Kind::Slow, KeepAlive, 5),
                Part::new(Kind::Slow, Fresh, 5),
                Part::new(Kind::Upload, Fresh, 3),
                Part::new(Kind::Upload, KeepAlive, 2),
            ],
            rate_per_s: 40,
            page_text: "Catalog".to_owned(),
            ..Self::plain(target)
        }
    }

    /// Many cheap requests to the shop, for hundreds of thousands of them during deploys.
    pub fn soak(target: &str) -> Self {
        use Connection::{Fresh, KeepAlive};
        Self {
            mix: vec![
                Part::new(Kind::Static, KeepAlive, 80),
                Part::new(Kind::Static, Fresh, 10),
                Part::new(Kind::Version, KeepAlive, 7),
                Part::new(Kind::Version, Fresh, 3),
            ],
            rate_per_s: 2_000,
            ..Self::plain(target)
        }
    }

    /// `GET /` of any web service: it must answer 200 with a body.
    pub fn plain(target: &str) -> Self {
        Self {
            target: target.to_owned(),
            host: None,
            rate_per_s: 100,
            in_flight_max: 256,
            mix: vec![
                Part::new(Kind::Page, Connection::KeepAlive, 1),
                Part::new(Kind::Page, Connection::Fresh, 1),
            ],
            timeout: Duration::from_secs(10),
            stale_within: Duration::from_millis(100),
            repeats_max: 0,
            slow_above: Duration::from_secs(1),
            page_path: "/".to_owned(),
            page_text: String::new(),
            static_path: "/static/shop/shop.css".to_owned(),
            slow_ms: 300,
            upload_bytes: 200 * 1024,
            upload_time: Duration::from_millis(250),
            failures_max: 50,
            check_bound: Duration::from_mins(1),
        }
    }
}
