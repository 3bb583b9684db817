//! The fake engine obeys the rules that the real one obeys.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use landfall_core::id::ImageId;
use landfall_testing::conformance::{
    self, CRASH, CRASH_CODE, ConformanceWorld, JOB, JOB_CODE, ROLLOUT,
};
use landfall_testing::fake::{Behaviour, FakeEngine, SimClock, World};

fn now<F: Future>(future: F) -> F::Output {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the fakes never wait"),
    }
}

#[test]
fn the_fake_engine_obeys_the_ports_rules() {
    let world = World::default();
    {
        let mut inner = world.lock();
        inner.rules.unjournaled = true;
        let crash = Behaviour { exits: Some((20, CRASH_CODE)), ..Behaviour::default() };
        inner.behaviours.insert((ROLLOUT, CRASH.parse().unwrap()), crash);
        let job = Behaviour { one_off: (20, JOB_CODE), ..Behaviour::default() };
        inner.behaviours.insert((ROLLOUT, JOB.parse().unwrap()), job);
    }
    let tried = ConformanceWorld {
        app: "conformance".parse().unwrap(),
        image: ImageId("sha256:any".into()),
        web: vec![],
        crash: vec![],
        job: vec![],
        subnet: "10.202.0.0/24".parse().unwrap(),
    };
    now(conformance::engine(&FakeEngine(world.clone()), &SimClock(world.clone()), &tried));
    assert_eq!(world.lock().violations, Vec::<String>::new());
}
