//! The example shop under its customers' load, with the agent killed at random moments.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use landfall_testing::host::{Host, Project};
use landfall_testing::load::{Load, LoadConfig};

use crate::ring::clean;

const APP: &str = "kills";
const KILLS: u32 = 10;
const BOUND: Duration = Duration::from_mins(3);

/// The shop on a host of its own, removed at the end.
struct Shop {
    host: Host,
    project: Project,
    target: String,
    _folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let variable = |name: &str| std::env::var(name).expect("`cargo xtask test` sets it");
        let folder = tempfile::tempdir().expect("there is room");
        let bin = PathBuf::from(variable("LANDFALL_BIN"));
        let mut host = Host::new(bin, folder.path().join("host"), variable("DOCKER_HOST"))
            .expect("there is room");
        host.clear(APP).expect("the engine answers");
        host.start().expect("agent and edge start");
        let listener = std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
        let port = listener.expect("there is a free port").port().to_string();
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../examples/shop");
        let project = Project::new(path, APP)
            .with("HTTP_PORT", &port)
            .with("POSTGRES_PASSWORD", "a password of the tests")
            .with("DJANGO_SECRET_KEY", "a key of the tests");
        Self { host, project, target: format!("127.0.0.1:{port}"), _folder: folder }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = std::fs::read_to_string(self.host.agent_log()).unwrap_or_default();
            let lines: Vec<_> = log.lines().rev().take(60).collect();
            println!("the agent's log, newest first:\n{}", lines.join("\n"));
        }
        drop(self.host.stop());
        drop(self.host.clear(APP));
    }
}

#[test]
fn an_agent_killed_at_ten_random_moments_of_a_shop_deploy_loses_nothing() {
    let mut shop = Shop::new();
    let version = |n: u32| if n.is_multiple_of(2) { "v1" } else { "v2" };
    let deploy = |shop: &Shop, n: u32| shop.host.deploy(&shop.project, &[("RELEASE", version(n))]);
    deploy(&shop, 0).expect("the binary runs").expect_exit(0);
    let load = Load::start(LoadConfig::shop(&shop.target), "kills").expect("the load starts");
    let began = Instant::now();
    deploy(&shop, 1).expect("the binary runs").expect_exit(0);
    let usual = began.elapsed();
    let settled = shop.host.things(APP).expect("the engine answers");

    let mut random = seed();
    for kill in 0..KILLS {
        let running = shop.host.spawn_deploy(&shop.project, &[("RELEASE", version(kill))]);
        let running = running.expect("the binary runs");
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        let moment = f64::from(u32::try_from(random >> 32).unwrap_or(0)) / f64::from(u32::MAX);
        pause(usual.mul_f64(moment));
        shop.host.kill_agent().expect("it runs");
        drop(running.kill());
        shop.host.start_agent().expect("it starts again");
        let status = shop.host.wait_settled(APP, BOUND).expect("it settles by itself");
        assert!(status["open"].is_null(), "stuck: {}", status["open"]);
        let now = shop.host.things(APP).expect("the engine answers");
        let counts = |t: &landfall_testing::host::Things| {
            (t.containers.len(), t.networks.len(), t.volumes.len())
        };
        assert_eq!(counts(&now), counts(&settled), "kill {kill} at {moment:.2}: {now}");
        println!("kill {kill} at {moment:.2} of a deploy: {} serves", status["serving"]);
    }
    clean(load);
}

/// From the clock, or from `LANDFALL_SEED`; printed, so that a failure can be tried again.
fn seed() -> u64 {
    let given = std::env::var("LANDFALL_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("LANDFALL_SEED={seed}");
    seed
}

/// Lets time pass: here the moment is the point, not a condition to wait for.
#[expect(clippy::disallowed_methods, reason = "a kill at a moment of time is what is tried")]
fn pause(time: Duration) {
    std::thread::sleep(time);
}

#[test]
fn docker_compose_accepts_the_same_file() {
    let compose = std::env::var("LANDFALL_TEST_COMPOSE").expect("`cargo xtask test` sets it");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/shop/compose.yaml");
    let mut command = std::process::Command::new(compose);
    let output = command.args(["-f", file, "config", "--quiet"]).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
