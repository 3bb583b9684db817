//! Pulling from a small registry of our own, which wants a login.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use landfall_core::secret::Secret;
use landfall_deploy::ports::Engine as _;
use landfall_docker::{Credentials, Login, PullError, PullProgress};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

use crate::support::in_corner;

/// Some of its bytes are such that plain and URL-safe base64 differ.
const PASSWORD: &str = "a~b>c?d~~~>>>???";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

fn digest(bytes: &[u8]) -> String {
    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        write!(text, "{byte:02x}").unwrap();
    }
    text
}

/// One image with one layer: content by path, and the manifest's digest.
struct Image {
    content: BTreeMap<String, (&'static str, Bytes)>,
    digest: String,
}

fn image() -> Image {
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    let text = format!("made by process {}", std::process::id());
    header.set_size(text.len() as u64);
    header.set_mode(0o644);
    tar.append_data(&mut header, "hello.txt", text.as_bytes()).unwrap();
    let layer = tar.into_inner().unwrap();
    let config = serde_json::json!({
        "architecture": if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" },
        "os": "linux",
        "config": { "Cmd": ["/hello"], "ExposedPorts": { "80/tcp": {} } },
        "rootfs": { "type": "layers", "diff_ids": [digest(&layer)] },
    })
    .to_string();
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(config.as_bytes()), "size": config.len(),
        },
        "layers": [{
            "mediaType": "application/vnd.oci.image.layer.v1.tar",
            "digest": digest(&layer), "size": layer.len(),
        }],
    })
    .to_string();
    let manifest_digest = digest(manifest.as_bytes());
    let blob = "application/octet-stream";
    let content = BTreeMap::from([
        ("/v2/".to_owned(), ("application/json", Bytes::from("{}"))),
        (format!("/v2/app/blobs/{}", digest(&layer)), (blob, layer.into())),
        (format!("/v2/app/blobs/{}", digest(config.as_bytes())), (blob, config.into())),
        ("/v2/app/manifests/v1".to_owned(), (MANIFEST, manifest.clone().into())),
        (format!("/v2/app/manifests/{manifest_digest}"), (MANIFEST, manifest.into())),
    ]);
    Image { content, digest: manifest_digest }
}

fn answer(image: &Image, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let wanted = {
        use base64::Engine as _;
        let plain = format!("me:{PASSWORD}");
        format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain))
    };
    let known = request.headers().get(AUTHORIZATION).is_some_and(|given| given == wanted.as_str());
    let error = |status, code: &str| {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"{code}"}}]}}"#);
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "application/json")
            .header(WWW_AUTHENTICATE, "Basic realm=\"test\"")
            .body(Full::new(Bytes::from(body)))
            .unwrap()
    };
    if !known {
        return error(StatusCode::UNAUTHORIZED, "UNAUTHORIZED");
    }
    let Some((kind, bytes)) = image.content.get(request.uri().path()) else {
        return error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN");
    };
    Response::builder()
        .header(CONTENT_TYPE, *kind)
        .header("Docker-Content-Digest", digest(bytes))
        .header("Docker-Distribution-Api-Version", "registry/2.0")
        .body(Full::new(bytes.clone()))
        .unwrap()
}

async fn serve(listener: TcpListener, image: Arc<Image>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let image = Arc::clone(&image);
        tokio::spawn(async move {
            let service = service_fn(move |request: Request<Incoming>| {
                std::future::ready(Ok::<_, Infallible>(answer(&image, &request)))
            });
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

#[test]
fn an_image_is_pulled_with_the_login_of_its_registry() {
    in_corner("pull", async |corner| {
        // The engine takes a registry on a loopback address without TLS.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let registry = listener.local_addr().unwrap().to_string();
        let image = Arc::new(image());
        let server = tokio::spawn(serve(listener, Arc::clone(&image)));
        let reference = format!("{registry}/app:v1");
        let login = |password: &str| {
            let mut credentials = Credentials::default();
            let password = Secret::new(password.to_owned());
            let login = Login { username: "me".into(), password, identity_token: None };
            credentials.insert(&registry, login);
            credentials
        };

        for credentials in [Credentials::default(), login("wrong")] {
            let error = corner.engine.pull(&reference, None, &credentials, |_| {}).await;
            assert!(matches!(error, Err(PullError::Unauthorised { .. })), "{error:?}");
        }
        let right = login(PASSWORD);
        let unknown = format!("{registry}/app:v2");
        let error = corner.engine.pull(&unknown, None, &right, |_| {}).await;
        assert!(matches!(error, Err(PullError::NotFound { .. })), "{error:?}");

        let mut last = PullProgress::default();
        let pulled = corner.engine.pull(&reference, None, &right, |p| last = p).await.unwrap();
        assert_eq!(pulled.sealed.exposed, [80]);
        assert_eq!(pulled.repo_digests, [format!("{registry}/app@{}", image.digest)]);
        assert_eq!((last.layers, last.layers_done), (1, 1), "{last:?}");
        assert_eq!(corner.engine.untag(&reference).await, Ok(()));

        let pinned = format!("{registry}/app:v1@{}", image.digest);
        let again = corner.engine.pull(&pinned, None, &right, |_| {}).await.unwrap();
        assert_eq!(again.sealed, pulled.sealed);
        let by_digest = format!("{registry}/app@{}", image.digest);
        assert_eq!(corner.engine.untag(&by_digest).await, Ok(()));
        assert_eq!(corner.engine.image(&pulled.sealed.id.0).await, Ok(None), "nothing is left");
        server.abort();
    });
}
