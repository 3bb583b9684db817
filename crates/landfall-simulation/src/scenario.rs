//! Scenarios: a host on which something serves (or nothing yet), and what people then do.

use landfall_core::id::{AppName, RolloutNumber};
use landfall_core::spec::{AppSpec, Hook};

use crate::apps::{app, name, new_database, service, shop, small, sociable};
use crate::behaviour::Behaviour;

/// What a client does next.
#[derive(Debug, Clone)]
pub enum Act {
    /// Deploys, and watches to the end.
    Deploy(Box<AppSpec>, Want),
    /// Deploys, held before its cutover; then this happens.
    Hold(Box<AppSpec>, Held, Want),
    /// Deploys, and goes away.
    Leave(Box<AppSpec>),
    /// Rolls back, and watches to the end.
    RollBack(AppName, Want),
    /// Takes down, and watches to the end.
    Down(AppName, Want),
    /// Calls off what is open.
    Cancel(AppName),
    /// Watches what is open to its end.
    Attach(AppName),
    /// Waits.
    Pause(u64),
    /// The agent is killed.
    KillAgent,
    /// The engine is restarted properly, or killed, and is away for so long.
    RestartEngine(bool, u64),
    /// The edge is killed.
    KillEdge,
    /// The host loses its power.
    PowerCut,
    /// The disk is full for so long.
    FullDisk(u64),
}

/// How it ends when nothing goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// The new release serves.
    Succeeded,
    /// The old one does.
    RolledBack,
    /// There is nothing to do.
    Nothing,
    /// The new release serves, or it never began: somebody else has its place.
    SucceededOrRefused,
    /// Any of these: it depends on who comes first.
    Any,
}

/// What becomes of a held rollout.
#[derive(Debug, Clone)]
pub struct Held {
    /// Services whose candidates stop meanwhile.
    pub down: Vec<&'static str>,
    /// It is let through; else called off.
    pub promote: bool,
}

/// What somebody takes away by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// One of the service's containers.
    Container,
    /// All networks that it is in.
    Networks,
}

/// What is there at the beginning: specs that were deployed one after the other.
pub type Start = Vec<AppSpec>;

/// One story.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// What is there before.
    pub start: Start,
    /// What people do, each on his own.
    pub clients: Vec<Vec<Act>>,
    /// What does not behave well: app, service, image.
    pub behaviours: Vec<(AppName, &'static str, String, Behaviour)>,
    /// How long requests in flight take.
    pub requests_ms: u64,
    /// Containers outlive the engine.
    pub live_restore: bool,
    /// The edge refuses to cut this app over to that rollout or a later one.
    pub edge_refuses: Option<(AppName, RolloutNumber)>,
    /// The edge dies with the answer to the first cutover, and is away for so long.
    pub edge_dies_after_swap: Option<u64>,
    /// The first cutover's answer is lost, and it comes when nobody waits for it any more; it is not
    /// refused.
    pub edge_late_swap: bool,
    /// Somebody takes this of a candidate away once its cutover is intended: the service.
    pub taken_at_cutover: Option<(Taken, &'static str)>,
    /// Containers that a rollout which died left, each like one that is there.
    pub leftovers: Vec<(&'static str, &'static str)>,
    /// Calls take time, drawn from this, so that people get in between.
    pub slow: Option<u64>,
    /// Names of containers that strangers have.
    pub strangers: Vec<String>,
}

const SHOP: &str = "shop";
const BLOG: &str = "blog2";

impl Scenario {
    /// With one client.
    pub fn new(name: &str, start: Start, acts: Vec<Act>) -> Self {
        Self {
            name: name.to_owned(),
            start,
            clients: vec![acts],
            behaviours: Vec::new(),
            requests_ms: 20,
            live_restore: false,
            edge_refuses: None,
            edge_dies_after_swap: None,
            edge_late_swap: false,
            taken_at_cutover: None,
            leftovers: Vec::new(),
            slow: None,
            strangers: Vec::new(),
        }
    }

    fn and(mut self, acts: Vec<Act>) -> Self {
        self.clients.push(acts);
        self
    }

    fn with(mut self, service: &'static str, image: &str, behaviour: Behaviour) -> Self {
        self.behaviours.push((app(SHOP), service, image.to_owned(), behaviour));
        self
    }
}

/// Deploys and expects an end.
pub fn deploy(spec: AppSpec, want: Want) -> Act {
    Act::Deploy(Box::new(spec), want)
}

fn good(spec: AppSpec) -> Vec<Act> {
    vec![deploy(spec, Want::Succeeded)]
}

fn bad(spec: AppSpec) -> Vec<Act> {
    vec![deploy(spec, Want::RolledBack)]
}

fn fine() -> Behaviour {
    Behaviour::default()
}

fn crash() -> Behaviour {
    Behaviour { exits: Some((15, 1)), ..fine() }
}

fn never() -> Behaviour {
    Behaviour { ready_after_ms: None, ..fine() }
}

/// Deploys of one app by one client that end well.
fn upgrades() -> Vec<Scenario> {
    let from = || vec![shop(SHOP, "1")];
    let upgrade = |name: &str, spec: AppSpec| Scenario::new(name, from(), good(spec));
    let mut without = shop(SHOP, "2");
    for gone in ["beat", "worker"] {
        without.services.remove(&name(gone));
    }
    let mut up = shop(SHOP, "1");
    service(&mut up, "web").replicas = 4;
    let mut down = shop(SHOP, "1");
    service(&mut down, "web").replicas = 1;
    let mut rewritten = shop(SHOP, "1");
    let tree = rewritten.files.get_mut("conf").expect("the shop has one");
    tree.entries.get_mut("").expect("one file").mode = 0o600;
    let mut configured = shop(SHOP, "1");
    let value = landfall_core::secret::Secret::new("on".to_owned());
    let environment = &mut service(&mut configured, "worker").container.environment;
    environment.insert("FEATURE".to_owned(), value);
    let mut busy = upgrade("requests are in flight", shop(SHOP, "2"));
    busy.requests_ms = 45;
    let mut endless = upgrade("requests never end", shop(SHOP, "2"));
    endless.requests_ms = 1_000_000_000;
    let flaps = Behaviour { flaps_until_ms: Some(120), ..fine() };
    vec![
        Scenario::new("first deploy", Vec::new(), good(shop(SHOP, "1"))),
        Scenario::new("a small first deploy", Vec::new(), good(small(SHOP, "1"))),
        upgrade("upgrade", shop(SHOP, "2")),
        Scenario::new("a small upgrade", vec![small(SHOP, "1")], good(small(SHOP, "2"))),
        upgrade("the database changes", new_database(shop(SHOP, "2"))),
        upgrade("services go away", without),
        upgrade("scale up", up),
        upgrade("scale down", down),
        upgrade("only a file changes", rewritten),
        upgrade("only the configuration changes", configured),
        busy,
        endless,
        Scenario::new("a small one flaps", vec![small(SHOP, "1")], good(small(SHOP, "2")))
            .with("nginx", "app:2", flaps),
    ]
}

/// Candidates that must not serve.
fn failures() -> Vec<Scenario> {
    let fails = |name: &str| Scenario::new(name, vec![shop(SHOP, "1")], bad(shop(SHOP, "2")));
    let small_fails =
        |name: &str| Scenario::new(name, vec![small(SHOP, "1")], bad(small(SHOP, "2")));
    let database = new_database(small(SHOP, "2"));
    let mut refused = small_fails("the edge refuses the cutover");
    refused.edge_refuses = Some((app(SHOP), RolloutNumber(2)));
    let mut both = refused.clone();
    "the edge refuses the cutover, and an earlier one is on its way".clone_into(&mut both.name);
    both.edge_late_swap = true;
    let taken_away = |name: &str, what: Taken, service: &'static str| {
        let mut it = small_fails(name);
        it.taken_at_cutover = Some((what, service));
        it
    };
    let mut taken = small_fails("a stranger has a candidate's name");
    taken.strangers.push("shop-nginx-d2-1".to_owned());
    let few = Behaviour { good_answers: Some(2), ..fine() };
    let endless = Behaviour { one_off: (100_000_000, 0), ..fine() };
    let at_edge = Behaviour { bad_at_edge: true, ..fine() };
    vec![
        fails("a worker crashes").with("worker", "app:2", crash()),
        fails("web is never ready").with("web", "app:2", never()),
        small_fails("it is ready once and then not").with("nginx", "app:2", few),
        small_fails("the migration fails").with(
            "migrate",
            "app:2",
            Behaviour { one_off: (40, 1), ..fine() },
        ),
        small_fails("the migration never ends").with("migrate", "app:2", endless),
        small_fails("the singleton crashes").with("beat", "app:2", crash()),
        small_fails("it fails through the edge").with("nginx", "app:2", at_edge),
        Scenario::new("the new database crashes", vec![small(SHOP, "1")], bad(database.clone()))
            .with("db", "postgres:16", crash()),
        Scenario::new("it fails beside a new database", vec![small(SHOP, "1")], bad(database))
            .with("nginx", "app:2", never()),
        refused,
        both,
        taken_away("its container is taken before the cutover", Taken::Container, "nginx"),
        taken_away("its networks are taken before the cutover", Taken::Networks, "nginx"),
        taken_away("its singleton is taken before the cutover", Taken::Container, "beat"),
        taken,
        Scenario::new("a first deploy that fails", Vec::new(), bad(shop(SHOP, "1"))).with(
            "nginx",
            "nginx:1",
            never(),
        ),
        Scenario::new("a rollout after a failed one", vec![small(SHOP, "1")], {
            let mut acts = bad(small(SHOP, "2"));
            acts.extend(good(small(SHOP, "3")));
            acts
        })
        .with("nginx", "app:2", never()),
    ]
}

/// Rollouts that wait for a person before their cutover.
fn holds() -> Vec<Scenario> {
    let held = |name: &str, from: Start, down: &[&'static str], promote: bool| {
        let want = if promote { Want::Succeeded } else { Want::RolledBack };
        let tag = if from.is_empty() { "1" } else { "2" };
        let happens = Held { down: down.to_vec(), promote };
        let act = Act::Hold(Box::new(shop(SHOP, tag)), happens, want);
        Scenario::new(name, from, vec![act])
    };
    let from = || vec![shop(SHOP, "1")];
    let worn = {
        let happens = Held { down: Vec::new(), promote: true };
        let act = Act::Hold(Box::new(small(SHOP, "2")), happens, Want::RolledBack);
        let tired = Behaviour { good_answers: Some(4), ..fine() };
        Scenario::new("what is held is not good any more", vec![small(SHOP, "1")], vec![act])
            .with("nginx", "app:2", tired)
    };
    let mut names = {
        let happens = Held { down: vec!["web"], promote: true };
        let act = Act::Hold(Box::new(sociable(SHOP, "2")), happens, Want::Any);
        Scenario::new("held with neighbours", vec![sociable(SHOP, "1")], vec![act])
    };
    names.slow = Some(7);
    vec![
        held("a first deploy is held", Vec::new(), &[], true),
        held("held, then promoted", from(), &[], true),
        held("held, then called off", from(), &[], false),
        held("candidates stop while they are held", from(), &["web", "worker", "nginx"], true),
        held("they stop, and it is called off", from(), &["nginx"], false),
        worn,
        names,
    ]
}

/// Apps that do not live alone on their networks.
fn neighbours() -> Vec<Scenario> {
    let from = || vec![sociable(SHOP, "1")];
    let database = || new_database(sociable(SHOP, "2"));
    let few = Behaviour { good_answers: Some(2), ..fine() };
    let mut bad_hook = sociable(SHOP, "2");
    let hook = Hook { command: vec!["false".into()], ..Hook::default() };
    service(&mut bad_hook, "web").container.post_start = vec![hook];
    vec![
        Scenario::new("the database changes, and what lives in it", from(), good(database())),
        Scenario::new("what lives in the new database crashes", from(), bad(database())).with(
            "exporter",
            "postgres:15",
            crash(),
        ),
        Scenario::new("what lives in the singleton crashes", from(), bad(database())).with(
            "clock",
            "app:2",
            crash(),
        ),
        Scenario::new("neighbours", from(), good(sociable(SHOP, "2"))),
        Scenario::new("neighbours come", vec![shop(SHOP, "1")], good(sociable(SHOP, "2"))),
        Scenario::new("neighbours go", from(), good(shop(SHOP, "2"))),
        Scenario::new("web fails once it has its names", from(), bad(sociable(SHOP, "2")))
            .with("web", "app:2", few),
        Scenario::new("a hook fails", from(), bad(bad_hook)),
    ]
}

/// More than one client, more than one rollout, more than one app.
fn crowds() -> Vec<Scenario> {
    let from = || vec![small(SHOP, "1")];
    let both = || vec![small(SHOP, "1"), small(BLOG, "1")];
    let leave = || Act::Leave(Box::new(small(SHOP, "2")));
    let cancel = |name: &str, after: u64| {
        let any = vec![deploy(small(SHOP, "2"), Want::Any)];
        Scenario::new(name, from(), any).and(vec![Act::Pause(after), Act::Cancel(app(SHOP))])
    };
    let twice = || vec![small(SHOP, "1"), small(SHOP, "2")];
    let thrice = || vec![small(SHOP, "1"), small(SHOP, "2"), small(SHOP, "3")];
    let back = || Act::RollBack(app(SHOP), Want::Succeeded);
    let any = |spec: AppSpec| vec![deploy(spec, Want::Any)];
    let mut rival = small(BLOG, "1");
    service(&mut rival, "nginx").ports[0].published = Some(8004);
    let wish = |spec: AppSpec| vec![deploy(spec, Want::SucceededOrRefused)];
    let mut rivals = Scenario::new("two apps want one place", Vec::new(), wish(small(SHOP, "1")))
        .and(wish(rival));
    rivals.slow = Some(7);
    let slow = |name: &str, start: Start| {
        let mut it = Scenario::new(name, start, good(small(SHOP, "2"))).and(good(small(BLOG, "2")));
        it.slow = Some(7);
        it
    };
    vec![
        rivals,
        slow("two slow apps at once", both()),
        slow("two slow first deploys at once", Vec::new()),
        Scenario::new("roll back", twice(), vec![back()]),
        Scenario::new("roll back and forth", thrice(), vec![back(), back()]),
        Scenario::new("down", from(), vec![Act::Down(app(SHOP), Want::Succeeded)]),
        Scenario::new("down and up again", from(), {
            let mut acts = vec![Act::Down(app(SHOP), Want::Succeeded)];
            acts.extend(good(small(SHOP, "2")));
            acts
        }),
        Scenario::new("the same again", from(), vec![deploy(small(SHOP, "1"), Want::Nothing)]),
        Scenario::new("two apps at once", both(), good(small(SHOP, "2")))
            .and(good(small(BLOG, "2"))),
        Scenario::new("two first deploys at once", Vec::new(), good(small(SHOP, "1")))
            .and(good(small(BLOG, "1"))),
        Scenario::new("one app fails beside another", both(), bad(small(SHOP, "2")))
            .and(good(small(BLOG, "2")))
            .with("nginx", "app:2", never()),
        Scenario::new("two clients at once", from(), any(small(SHOP, "2")))
            .and(any(small(SHOP, "3"))),
        Scenario::new("one client asks twice", from(), any(small(SHOP, "2")))
            .and(any(small(SHOP, "2"))),
        Scenario::new("the client goes away", from(), vec![leave(), Act::Attach(app(SHOP))]),
        cancel("called off at once", 1),
        cancel("called off early", 60),
        cancel("called off late", 150),
        cancel("called off too late", 400),
        Scenario::new("many in a row", from(), {
            (2..6).flat_map(|n| good(small(SHOP, &n.to_string()))).collect()
        }),
    ]
}

/// What happens to the host meanwhile.
fn weather() -> Vec<Scenario> {
    let from = || vec![small(SHOP, "1")];
    let meanwhile = |name: &str, acts: Vec<Act>| {
        Scenario::new(name, from(), vec![deploy(small(SHOP, "2"), Want::Any)]).and(acts)
    };
    let idle = |name: &str, act: Act| Scenario::new(name, from(), vec![act, Act::Pause(30_000)]);
    let mut outlived = meanwhile(
        "the engine is killed, containers outlive it",
        vec![Act::Pause(100), Act::RestartEngine(true, 700)],
    );
    outlived.live_restore = true;
    let mut away = meanwhile("the edge dies with its answer to the cutover", Vec::new());
    away.edge_dies_after_swap = Some(20_000);
    let left = |name: &str, acts: Vec<Act>| {
        let mut it = Scenario::new(name, from(), acts);
        it.leftovers.push(("shop-nginx-d1-1", "shop-nginx-d0-1"));
        it
    };
    let left_db = |name: &str, acts: Vec<Act>| {
        let mut it = Scenario::new(name, from(), acts);
        it.leftovers.push(("shop-db-d1-1", "shop-db-d0-1"));
        it
    };
    let restarts = || vec![Act::Pause(100), Act::KillAgent, Act::Pause(2_000), Act::KillAgent];
    vec![
        meanwhile("the engine restarts", vec![Act::Pause(100), Act::RestartEngine(false, 700)]),
        meanwhile("the engine is killed", vec![Act::Pause(150), Act::RestartEngine(true, 4_000)]),
        outlived,
        meanwhile("the edge restarts", vec![Act::Pause(120), Act::KillEdge]),
        meanwhile("the agent restarts twice", restarts()),
        meanwhile("the power goes", vec![Act::Pause(130), Act::PowerCut]),
        meanwhile("the disk is full for a moment", vec![Act::Pause(40), Act::FullDisk(3_000)]),
        meanwhile("the disk is full for long", vec![Act::Pause(80), Act::FullDisk(40_000)]),
        meanwhile("the engine is away for long", {
            vec![Act::Pause(100), Act::RestartEngine(true, 60_000)]
        }),
        away,
        left("something is left and the engine is killed", {
            vec![Act::RestartEngine(true, 2_000), Act::Pause(30_000)]
        }),
        left("something is left and is swept", good(small(SHOP, "2"))),
        left_db("a database is left and is swept", good(small(SHOP, "2"))),
        left_db("a database is left, and a rollout is undone", bad(small(SHOP, "2"))).with(
            "nginx",
            "app:2",
            never(),
        ),
        idle("the agent restarts and nothing is open", Act::KillAgent),
        idle("the power goes and nothing is open", Act::PowerCut),
        idle("the engine is killed and nothing is open", Act::RestartEngine(true, 2_000)),
        idle("the edge is killed and nothing is open", Act::KillEdge),
    ]
}

/// All of them.
pub fn all() -> Vec<Scenario> {
    [upgrades(), failures(), holds(), neighbours(), crowds(), weather()].concat()
}
