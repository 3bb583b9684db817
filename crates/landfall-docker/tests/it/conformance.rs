//! The suite that the fake engine passes as well.

use std::time::Instant;

use landfall_testing::conformance::{self, ConformanceWorld};

use crate::support::{RealClock, in_corner};

fn shell(line: &str) -> Vec<String> {
    ["sh", "-c", line].map(str::to_owned).to_vec()
}

#[test]
fn the_real_engine_keeps_every_rule_of_the_port() {
    in_corner("suite", async |corner| {
        let world = ConformanceWorld {
            app: corner.app.clone(),
            image: corner.image.clone(),
            web: shell("exec httpd -f -p 8080 -h /etc"),
            crash: shell("echo first; echo last words; exit 3"),
            job: shell("exit 7"),
            subnet: corner.subnet,
        };
        let clock = RealClock(Instant::now());
        Box::pin(conformance::engine(&corner.engine, &clock, &world)).await;
    });
}
