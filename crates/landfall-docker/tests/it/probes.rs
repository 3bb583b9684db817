//! Probes on a real engine.

use std::time::{Duration, Instant};

use landfall_core::gate::{Accept, Probe};
use landfall_core::spec::HealthTest;
use landfall_deploy::ports::{Engine as _, EngineErrorKind};

use crate::support::{in_corner, place, until};

fn exec(test: HealthTest) -> Probe {
    Probe::Exec { test, timeout_ms: 5_000 }
}

fn shell(line: &str) -> Probe {
    exec(HealthTest::Shell(line.into()))
}

#[test]
fn a_health_test_runs_inside_and_says_why_it_failed() {
    in_corner("exec", async |corner| {
        let mut request = corner.container("db", "sleep 99");
        request.container.environment =
            [("WORD".into(), landfall_core::secret::Secret::new("magic".into()))].into();
        let ask = async |probe: Probe| corner.engine.probe(&request.name, None, &probe).await;
        assert_eq!(ask(shell("true")).await.unwrap_err().kind, EngineErrorKind::NotFound);
        corner.engine.create(&request).await.unwrap();
        assert!(ask(shell("true")).await.unwrap().is_err(), "it does not run yet");
        corner.engine.start(&request.name).await.unwrap();

        assert_eq!(ask(shell("test $WORD = magic")).await, Ok(Ok(())));
        assert_eq!(ask(exec(HealthTest::Command(vec!["true".into()]))).await, Ok(Ok(())));
        assert_eq!(ask(exec(HealthTest::None)).await, Ok(Ok(())));
        let failed = ask(shell("(echo one; echo no luck) >&2; exit 4")).await.unwrap().unwrap_err();
        assert_eq!(failed, "health test ended with exit code 4: no luck");
        let missing = exec(HealthTest::Command(vec!["/no/such/program".into()]));
        assert!(ask(missing).await.unwrap().unwrap_err().contains("no such file"));

        let slow = Probe::Exec { test: HealthTest::Shell("sleep 3".into()), timeout_ms: 300 };
        let began = Instant::now();
        assert_eq!(ask(slow).await, Ok(Err("no answer in 0.3 s".to_owned())));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    });
}

#[test]
fn a_path_is_asked_at_the_containers_own_address() {
    in_corner("http", async |corner| {
        let network = corner.network("net", 0);
        corner.engine.create_network(&network).await.unwrap();
        let mut request = corner.container("web", "exec httpd -f -p 8080 -h /etc");
        request.attachments = vec![place(&network, 5)];
        let address = request.attachments[0].address;
        let ask = async |path: &str, accept| {
            let probe = Probe::Http { port: 8080, path: path.into(), accept };
            corner.engine.probe(&request.name, address, &probe).await.unwrap()
        };
        corner.engine.create(&request).await.unwrap();
        corner.engine.start(&request.name).await.unwrap();
        until("it answers", async || ask("/passwd", Accept::Healthy).await == Ok(())).await;
        assert_eq!(ask("/nothing", Accept::Healthy).await, Err("answered 404".to_owned()));
        assert_eq!(ask("/nothing", Accept::NotBroken).await, Ok(()));
        corner.engine.stop(&request.name, Duration::ZERO).await.unwrap();
        assert!(ask("/passwd", Accept::Healthy).await.is_err());
        let nowhere = Probe::Http { port: 8080, path: "/".into(), accept: Accept::Healthy };
        let seen = corner.engine.probe(&request.name, None, &nowhere).await;
        assert_eq!(seen, Ok(Err("it has no address".to_owned())));
    });
}
