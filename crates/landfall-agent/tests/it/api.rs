//! The API's manners: problems for everything that is wrong, streams, permissions.

use std::os::unix::fs::PermissionsExt;

use landfall_api::{
    AgentClient, BuildEvent, BuildRequest, ClientError, Digest, EdgeState, EngineState, ImageEvent,
    ImageLayer, ImagePart, ImagePush, LogQuery, Problem, ProblemCode, TransportError,
    context_channel,
};

use crate::site::{Site, patiently, request, shop, shop_name};

fn problem(error: ClientError) -> Problem {
    match error {
        ClientError::Problem(problem) => *problem,
        ClientError::Transport(error) => panic!("no problem: {error}"),
    }
}

#[tokio::test]
async fn the_agent_tells_about_itself_and_its_neighbours() {
    let site = Site::new().await;
    let info = site.client.info().await.unwrap();
    assert_eq!((info.api, info.pid), (landfall_api::VERSION, std::process::id()));
    assert!(matches!(info.engine, EngineState::Up(_)) && matches!(info.edge, EdgeState::Up(_)));
    site.platform.set(|knobs| knobs.away = true);
    let info = site.client.info().await.unwrap();
    assert!(matches!(info.engine, EngineState::Down { .. }));
    let mode = std::fs::metadata(site.client.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
}

#[tokio::test]
async fn what_does_not_exist_is_not_found() {
    let site = Site::new().await;
    let app = shop_name();
    assert_eq!(problem(site.client.app(&app).await.unwrap_err()).code, ProblemCode::NotFound);
    assert_eq!(problem(site.client.releases(&app).await.unwrap_err()).code, ProblemCode::NotFound);
    let error =
        problem(site.client.cancel(&app, landfall_api::RolloutId::Latest).await.unwrap_err());
    assert_eq!(error.message, "shop has no open rollout");
    let events = site.client.events(&app, landfall_core::id::RolloutNumber(4), 0).await;
    assert_eq!(problem(events.unwrap_err()).message, "shop has no rollout d4");
    assert!(site.client.apps().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_spec_of_another_app_or_without_services_is_invalid() {
    let site = Site::new().await;
    let mut empty = request(&shop("1"));
    empty.spec.services.clear();
    let error = problem(site.client.deploy(&empty).await.unwrap_err());
    assert_eq!(
        (error.code, error.message.as_str()),
        (ProblemCode::Invalid, "shop has no services")
    );
    let mut strange = request(&shop("1"));
    strange.images.insert("nobody".parse().unwrap(), landfall_core::id::ImageId("x".into()));
    let error = problem(site.client.deploy(&strange).await.unwrap_err());
    assert_eq!(error.code, ProblemCode::Invalid);
}

#[tokio::test]
async fn what_makes_no_sense_is_answered_with_a_problem_that_quotes_nothing() {
    let site = Site::new().await;
    let call = |head: &'static str, body: &'static str| raw(&site, head, body);
    let answer = call("POST /v1/apps/shop/rollouts", r#"{"spec": "hunter2"}"#).await;
    assert!(answer.starts_with("HTTP/1.1 422"), "{answer}");
    assert!(answer.contains(r#""code":"invalid""#) && !answer.contains("hunter2"), "{answer}");
    assert!(answer.contains("landfall-api: 1"), "{answer}");
    let answer = call("GET /v1/apps/Sh%2Fop", "").await;
    assert!(answer.contains("is not a valid app name"), "{answer}");
    let answer = call("GET /v2/info", "").await;
    assert!(answer.starts_with("HTTP/1.1 404") && answer.contains("no such call"), "{answer}");
    let answer = call("DELETE /v1/apps", "").await;
    assert!(answer.contains(r#""code":"not_found""#), "{answer}");
}

async fn raw(site: &Site, head: &str, body: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::UnixStream::connect(site.client.socket()).await.unwrap();
    let length = body.len();
    let request = format!(
        "{head} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn nobody_at_the_socket_is_told_apart_from_a_problem() {
    let dir = tempfile::tempdir().unwrap();
    let client = AgentClient::new(&dir.path().join("none.sock"));
    let error = client.info().await.unwrap_err();
    let ClientError::Transport(error) = error else { panic!("{error}") };
    assert!(matches!(error, TransportError::NotRunning { .. }) && !error.may_have_been_sent());
}

#[tokio::test]
async fn a_build_sends_its_context_and_brings_an_image() {
    let site = Site::new().await;
    let (sender, context) = context_channel();
    tokio::spawn(async move {
        for _ in 0..100 {
            sender.send(Ok(vec![0_u8; 10_000].into())).await.unwrap();
        }
    });
    let request = BuildRequest { tag: "shop-web".to_owned(), ..BuildRequest::default() };
    let mut lines = site.client.build(&request, context).await.unwrap();
    let mut events = Vec::new();
    while let Some(event) = patiently("a line", lines.next()).await.unwrap() {
        events.push(event);
    }
    let line = "1000000 bytes of context".to_owned();
    let image = landfall_core::id::ImageId("sha256:shop-web".to_owned());
    assert_eq!(events, [BuildEvent::Output { line }, BuildEvent::Done { image }]);
}

#[tokio::test]
async fn logs_of_all_replicas_come_with_their_names() {
    let site = Site::new().await;
    site.deploy(&shop("1")).await;
    let service = Some("web".parse().unwrap());
    let query = LogQuery { service: service.clone(), timestamps: true, ..LogQuery::default() };
    let mut lines = site.client.logs(&shop_name(), &query).await.unwrap();
    let mut seen = Vec::new();
    while let Some(line) = patiently("a line", lines.next()).await.unwrap() {
        seen.push((line.at.unwrap(), line.replica));
    }
    assert_eq!(seen.len(), 6);
    assert!(seen.is_sorted_by_key(|(at, _)| at.clone()), "{seen:?}");
    let follow = LogQuery { service, follow: true, ..LogQuery::default() };
    let mut lines = site.client.logs(&shop_name(), &follow).await.unwrap();
    for _ in 0..6 {
        let line = patiently("a line", lines.next()).await.unwrap().unwrap();
        assert_eq!((line.at, line.service.as_str()), (None, "web"));
    }
}

#[tokio::test]
async fn what_is_no_image_is_refused_by_what_is_wrong_with_it() {
    let site = Site::new().await;
    let digest: Digest = format!("sha256:{}", "0f".repeat(32)).parse().unwrap();
    let part = ImagePart { digest: digest.clone(), bytes: 5 };
    let layers = vec![ImageLayer { part: part.clone(), sent: true }];
    let good = ImagePush { reference: "shop:1".into(), config: part, layers };
    let push = async |push: &ImagePush, body: &'static [u8]| {
        let (sender, receiver) = context_channel();
        sender.send(Ok(body.into())).await.unwrap();
        drop(sender);
        let mut events = site.client.push_image(push, receiver).await.unwrap();
        match events.next().await.unwrap() {
            Some(ImageEvent::Failed { problem }) => problem,
            other => panic!("{other:?}"),
        }
    };
    let error = push(&good, b"this is no gzip stream").await;
    assert_eq!(error.code, ProblemCode::Image);
    assert!(error.message.contains("no gzip stream"), "{error:?}");
    let mut huge = good.clone();
    huge.layers[0].part.bytes = u64::MAX;
    assert!(push(&huge, b"x").await.message.contains("larger than"), "a limit is checked first");
    let mut none = good.clone();
    none.layers.clear();
    assert!(push(&none, b"x").await.message.contains("and this one has 0"));
}
