//! The app's host is another one, reached by SSH: deploys, refusals, cut cables, two clients, images.

use std::io::Read as _;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use landfall_testing::host::until;

use crate::far::{Alias, Far};
use crate::fixture::{self, Variant};
use crate::ring::{Ring, Said, clean};

const BOUND: Duration = Duration::from_mins(3);

struct Scene {
    ring: Ring,
    far: Far,
}

impl Scene {
    fn new() -> Self {
        Self { ring: Ring::new(), far: Far::new() }
    }

    fn over(&self, mut command: Command, alias: Alias, seat: &str) -> Command {
        self.far.reach(&mut command, alias, &self.ring.agent_socket(), seat);
        command
    }

    fn says(&self, words: &[&str]) -> Said {
        let command = self.over(self.ring.command(words), Alias::Known, "a");
        said(command)
    }

    fn deploy(&self, word: &str, variant: Variant) -> Said {
        said(self.over(self.ring.deploy_command(word, variant), Alias::Known, "a"))
    }

    /// Begins a deploy over SSH, and returns once its rollout is on its way.
    fn begin(&self, word: &str, variant: Variant) -> Watched {
        let mut command = self.over(self.ring.deploy_command(word, variant), Alias::Known, "a");
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the binary runs");
        let mut stderr = child.stderr.take().expect("it is piped");
        let (sender, lines) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = stderr.read(&mut bytes) {
                sender.send(String::from_utf8_lossy(&bytes[..n]).into_owned()).ok();
            }
        });
        self.ring.wait_open();
        Watched { child, lines, text: String::new() }
    }
}

fn said(mut command: Command) -> Said {
    command.output().expect("the binary runs").into()
}

/// A client whose words are read while it runs.
struct Watched {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
    text: String,
}

impl Watched {
    #[track_caller]
    fn wait_for(&mut self, words: &str) {
        let found = until(BOUND, || {
            self.text.extend(self.lines.try_iter());
            self.text.contains(words).then_some(())
        });
        assert!(found.is_some(), "not said: {words}\n{}", self.text);
    }

    #[track_caller]
    fn ends(mut self) -> (Option<i32>, String) {
        let ended = until(BOUND, || self.child.try_wait().expect("a child of ours"));
        let code = ended.expect("it ends").code();
        // The end of the stream comes after the end of the process.
        self.text.extend(self.lines.iter());
        (code, self.text)
    }
}

/// R109: a deploy to another host.
#[test]
fn every_verb_works_over_ssh_and_drops_nothing() {
    let scene = Scene::new();
    let first = scene.deploy("one", Variant::Fine);
    assert_eq!(first.exit_code, Some(0), "{first:?}");
    let load = scene.ring.load();
    let second = scene.deploy("two", Variant::Fine);
    assert_eq!(second.exit_code, Some(0), "{second:?}");
    assert_eq!(scene.ring.answer(), "two");
    let broken = scene.deploy("bad", Variant::Crash);
    assert_eq!(broken.exit_code, Some(3), "{broken:?}");
    assert!(broken.stderr.contains("cannot find the settings"), "{broken:?}");
    let back = scene.says(&["rollback", "-p", "ring"]);
    assert_eq!(back.exit_code, Some(0), "{back:?}");
    assert_eq!(scene.ring.answer(), "one");
    for words in [
        &["status", "-p", "ring"][..],
        &["releases", "-p", "ring"],
        &["logs", "-p", "ring"],
        &["attach", "-p", "ring"],
        &["agent", "status"],
    ] {
        let said = scene.says(words);
        assert_eq!(said.exit_code, Some(0), "{words:?}: {said:?}");
    }
    clean(load);
    let down = scene.says(&["down", "-p", "ring", "--yes"]);
    assert_eq!(down.exit_code, Some(0), "{down:?}");
}

#[test]
fn a_real_ssh_that_refuses_is_understood() {
    let scene = Scene::new();
    for (alias, words) in [
        (Alias::WrongKey, "refuses every key"),
        (Alias::Stranger, "the key of far-stranger is not known"),
        (Alias::Changed, "far-changed has another key than the one that is known"),
        (Alias::Closed, "nothing listens for SSH on far-closed"),
    ] {
        let refused = said(scene.over(scene.ring.command(&["agent", "status"]), alias, "a"));
        assert_eq!(refused.exit_code, Some(1), "{alias:?}: {refused:?}");
        assert!(refused.stderr.contains(words), "{alias:?}: {refused:?}");
    }
    let mut nowhere = scene.ring.command(&["agent", "status"]);
    scene.far.reach(&mut nowhere, Alias::Known, std::path::Path::new("/run/nowhere.sock"), "a");
    let nowhere = said(nowhere);
    assert_eq!(nowhere.exit_code, Some(1), "{nowhere:?}");
    assert!(nowhere.stderr.contains("no agent runs on far"), "{nowhere:?}");
    // The socket of an agent that was killed stays behind.
    scene.ring.kill_agent();
    let dead = scene.says(&["agent", "status"]);
    assert_eq!(dead.exit_code, Some(1), "{dead:?}");
    assert!(dead.stderr.contains("nobody answers at"), "{dead:?}");
}

#[test]
fn a_connection_that_is_hung_up_in_mid_deploy_is_made_again_and_the_exit_code_is_right() {
    let scene = Scene::new();
    let good = scene.deploy("good", Variant::Fine);
    assert_eq!(good.exit_code, Some(0), "{good:?}");
    for (variant, code, serves) in
        [(Variant::Fine, Some(0), "new"), (Variant::NeverReady, Some(3), "new")]
    {
        let word = if variant == Variant::Fine { "new" } else { "bad" };
        let client = scene.begin(word, variant);
        assert!(scene.far.hang_up("a"), "there was a connection");
        let (exit, text) = client.ends();
        assert_eq!(exit, code, "{variant:?}: {text}");
        if variant == Variant::NeverReady {
            assert!(text.contains("no word from far"), "{text}");
            assert!(text.contains("far answers again"), "{text}");
        }
        scene.ring.wait_settled();
        assert_eq!(scene.ring.answer(), serves, "{variant:?}");
    }
}

#[test]
fn a_deploy_whose_cable_is_cut_goes_on_and_its_client_finds_back() {
    let scene = Scene::new();
    let good = scene.deploy("good", Variant::Fine);
    assert_eq!(good.exit_code, Some(0), "{good:?}");
    let load = scene.ring.load();
    let mut client = scene.begin("bad", Variant::NeverReady);
    scene.far.cut();
    // Nobody watches, and it ends by itself.
    scene.ring.wait_settled();
    client.wait_for("no word from far");
    scene.far.mend();
    let (exit, text) = client.ends();
    assert_eq!(exit, Some(3), "{text}");
    assert!(text.contains("far answers again"), "{text}");
    assert!(text.contains("r1 still serves"), "{text}");
    assert_eq!(scene.ring.answer(), "good");
    clean(load);
}

#[test]
fn a_second_client_calls_off_what_the_first_began() {
    let scene = Scene::new();
    let good = scene.deploy("good", Variant::Fine);
    assert_eq!(good.exit_code, Some(0), "{good:?}");
    for seat in ["a second laptop", "here"] {
        let client = scene.begin("bad", Variant::NeverReady);
        let words = scene.ring.command(&["cancel", "-p", "ring"]);
        let called_off = match seat {
            "here" => said(words),
            _ => said(scene.over(words, Alias::Known, "b")),
        };
        assert_eq!(called_off.exit_code, Some(0), "{seat}: {called_off:?}");
        let (exit, text) = client.ends();
        assert_eq!(exit, Some(3), "{seat}: {text}");
        assert!(text.contains("called off"), "{seat}: {text}");
        assert_eq!(scene.ring.answer(), "good", "{seat}");
    }
}

/// R16, R35: built on one engine, run on another, and no registry anywhere.
#[test]
fn images_travel_without_a_registry_and_the_second_time_only_the_changed_layer_does() {
    let scene = Scene::new();
    let workshop = std::env::var("LANDFALL_TEST_OTHER_ENGINE").expect("`cargo xtask test` sets it");
    let push = |word: &str, more: &[&str]| {
        let file = fixture::write_built(&scene.ring.folder().join("app"), word, scene.ring.port());
        let file = file.to_str().expect("a path of ours").to_owned();
        let words = [&["-f", file.as_str(), "deploy", "--push"], more].concat();
        let mut command = scene.over(scene.ring.command(&words), Alias::Known, "a");
        command.env("DOCKER_HOST", &workshop);
        said(command)
    };
    let sends = |said: &Said| said.stderr.lines().filter(|l| l.starts_with("sending ")).count();

    let first = push("one", &[]);
    assert_eq!(first.exit_code, Some(0), "{first:?}");
    assert_eq!((scene.ring.answer().as_str(), sends(&first)), ("one", 1), "{first:?}");
    println!("{}", first.stderr);
    let load = scene.ring.load();
    let second = push("two", &["--build"]);
    assert_eq!(second.exit_code, Some(0), "{second:?}");
    assert_eq!((scene.ring.answer().as_str(), sends(&second)), ("two", 1), "{second:?}");
    assert!(second.stderr.contains(": 1 of "), "{second:?}");
    println!("{}", second.stderr);
    let same = push("two", &[]);
    assert_eq!(same.exit_code, Some(0), "{same:?}");
    assert!(same.stderr.contains("is there already"), "{same:?}");
    assert!(same.stderr.contains("nothing to do"), "{same:?}");
    let back = scene.says(&["rollback", "-p", "ring"]);
    assert_eq!(back.exit_code, Some(0), "{back:?}");
    assert_eq!(scene.ring.answer(), "one");
    clean(load);
    // The image of the workshop, and the tags that the host keeps for a day.
    remove_images(&workshop, fixture::BUILT);
    let host = std::env::var("DOCKER_HOST").expect("`cargo xtask test` sets it");
    remove_images(&host, "landfall/pushed");
}

fn remove_images(engine: &str, repository: &str) {
    let docker = |words: &[&str]| {
        let mut command = Command::new("docker");
        let output = command.env("DOCKER_HOST", engine).args(words).output().expect("docker runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let tags = docker(&["images", "--format", "{{.Repository}}:{{.Tag}}", repository]);
    for tag in tags.lines() {
        docker(&["rmi", tag]);
    }
}
