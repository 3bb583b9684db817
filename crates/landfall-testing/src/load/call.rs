//! The requests of each kind, and what a right answer to each is.

use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::config::{Kind, LoadConfig};

/// An answer, read to its end.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) release: Option<String>,
    pub(super) body: Bytes,
}

/// Makes requests and judges answers.
pub(super) struct Calls {
    config: LoadConfig,
    host: String,
    payload: Bytes,
    payload_sha256: String,
}

impl Calls {
    pub(super) fn new(config: LoadConfig) -> Self {
        let host = config.host.clone().unwrap_or_else(|| config.target.clone());
        // Not one byte repeated: a piece that went missing would not show.
        let payload: Bytes = (0..=250).cycle().take(config.upload_bytes).collect();
        let payload_sha256 = hex(&Sha256::digest(&payload));
        Self { config, host, payload, payload_sha256 }
    }

    /// The request of a kind; `uuid` is the order's.
    pub(super) fn request(&self, kind: Kind, uuid: u128) -> Request<Bytes> {
        match kind {
            Kind::Page => self.get(&self.config.page_path),
            Kind::Api => self.get("/api/products"),
            Kind::Static => self.get(&self.config.static_path),
            Kind::Version => self.get("/version"),
            Kind::Slow => self.get(&format!("/slow?ms={}", self.config.slow_ms)),
            Kind::Upload => self.post("/upload", "application/octet-stream", self.payload.clone()),
            Kind::Order => {
                let items = [json!({"sku": "compass-brass", "quantity": 1})];
                let order = json!({"uuid": hyphenated(uuid), "items": items});
                let body = order.to_string().into();
                let mut request = self.post("/api/orders", "application/json", body);
                if self.config.repeats_max > 0 {
                    let key = HeaderValue::from_str(&hyphenated(uuid)).expect("digits");
                    request.headers_mut().insert("idempotency-key", key);
                }
                request
            }
        }
    }

    /// The question whether an order is there.
    pub(super) fn order(&self, uuid: u128) -> Request<Bytes> {
        self.get(&format!("/api/orders/{}", hyphenated(uuid)))
    }

    /// Whether the answer is right, or what is wrong with it.
    pub(super) fn judge(&self, kind: Kind, uuid: u128, answer: &Answer) -> Result<(), String> {
        let wanted = match kind {
            Kind::Order | Kind::Upload => StatusCode::CREATED,
            Kind::Page | Kind::Api | Kind::Static | Kind::Version | Kind::Slow => StatusCode::OK,
        };
        // With its key an order may be sent twice, and the second finds the first.
        let found =
            kind == Kind::Order && self.config.repeats_max > 0 && answer.status == StatusCode::OK;
        if answer.status != wanted && !found {
            return Err(Self::unexpected_status(kind, answer));
        }
        let body = &answer.body;
        let right = match kind {
            Kind::Page => !body.is_empty() && contains(body, &self.config.page_text),
            Kind::Static => !body.is_empty(),
            Kind::Api => parsed(body)["products"].as_array().is_some_and(|all| !all.is_empty()),
            Kind::Version => parsed(body)["release"].as_str() == answer.release.as_deref(),
            Kind::Slow => parsed(body)["slept_ms"] == self.config.slow_ms,
            Kind::Upload => parsed(body)["sha256"] == self.payload_sha256.as_str(),
            Kind::Order => parsed(body)["uuid"] == hyphenated(uuid).as_str(),
        };
        if right { Ok(()) } else { Err(format!("wrong body: {}", beginning(body))) }
    }

    fn unexpected_status(kind: Kind, answer: &Answer) -> String {
        // Without a key a uuid is sent once. Found there already, somebody between us and the shop repeated it.
        if kind == Kind::Order && answer.status == StatusCode::OK {
            return "the order was there already: a POST was repeated on the way".to_owned();
        }
        let release = answer.release.as_deref().unwrap_or("-");
        format!("{} from release {release}: {}", answer.status, beginning(&answer.body))
    }

    fn get(&self, path: &str) -> Request<Bytes> {
        self.finish(Request::builder().method(Method::GET).uri(path), Bytes::new())
    }

    fn post(&self, path: &str, content_type: &str, body: Bytes) -> Request<Bytes> {
        let builder = Request::builder()
            .method(Method::POST)
            .uri(path)
            .header(http::header::CONTENT_TYPE, content_type)
            .header(http::header::CONTENT_LENGTH, body.len());
        self.finish(builder, body)
    }

    fn finish(&self, builder: http::request::Builder, body: Bytes) -> Request<Bytes> {
        builder
            .header(http::header::HOST, &self.host)
            .body(body)
            .expect("paths and hosts of a load are valid")
    }
}

/// A uuid in its usual form.
pub(super) fn hyphenated(uuid: u128) -> String {
    let digits = format!("{uuid:032x}");
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

fn parsed(body: &[u8]) -> Value {
    serde_json::from_slice(body).unwrap_or_default()
}

fn contains(body: &[u8], text: &str) -> bool {
    text.is_empty() || body.windows(text.len()).any(|window| window == text.as_bytes())
}

fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(120)]);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
