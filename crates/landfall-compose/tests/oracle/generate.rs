//! Projects at random, from a seed: services with some of their keys in some of their forms, files
//! over files, `extends`, `include`, profiles, anchors, variables, and now and then a mistake.
//!
//! What they are made of stands in `grammar.txt`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::archive::Case;

const WORDS: [&str; 12] = [
    "alpha", "beta", "gamma", "delta", "omega", "Kilo", "lima_x", "mike", "nov", "oscar", "p2", "q",
];
const SERVICES: [&str; 4] = ["web", "api", "db", "job"];
const PATHS: [&str; 6] = [".", "./src", "../up", "/abs/x", "./a/../b", "./a b"];
const VARIABLES: [&str; 9] = [
    "${A}",
    "$B",
    "${A:-%w}",
    "${N:-%w}",
    "${E:-%w}",
    "${E-%w}",
    "${A:+%w}",
    "${N:-${B}}",
    "${N-x${A}y}",
];

/// A small generator of numbers: the same seed gives the same project everywhere.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        // splitmix64, by Sebastiano Vigna, in the public domain.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % limit as u64).expect("it is below a usize")
    }

    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// Forms by key: of services, and by `!` mistakes, by `@` definitions, by `.env` lines.
struct Grammar(BTreeMap<&'static str, Vec<&'static str>>);

impl Grammar {
    fn new() -> Self {
        let mut forms: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for line in include_str!("grammar.txt").lines().filter(|line| !line.starts_with('#')) {
            let (key, form) = line.split_once(": ").expect("`key: form`");
            forms.entry(key).or_default().push(form);
        }
        Self(forms)
    }

    fn keys(&self, wanted: impl Fn(char) -> bool) -> Vec<&'static str> {
        self.0.keys().filter(|key| key.starts_with(&wanted)).copied().collect()
    }
}

/// A project that is being made up.
struct Maker {
    dice: Dice,
    grammar: Grammar,
    /// Names of each kind that were used and want a definition.
    used: BTreeMap<&'static str, BTreeSet<String>>,
    services: Vec<&'static str>,
    /// How many of them stand before the one that is being made: those it may need.
    earlier: usize,
    /// Words of the form that is being filled: a mapping has no key twice.
    taken: Vec<&'static str>,
}

/// The project of a seed.
pub(crate) fn project(seed: u64) -> Case {
    let mut maker = Maker {
        dice: Dice::new(seed),
        grammar: Grammar::new(),
        used: BTreeMap::new(),
        services: Vec::new(),
        earlier: 0,
        taken: Vec::new(),
    };
    maker.project(format!("seed {seed}"))
}

impl Maker {
    fn project(&mut self, name: String) -> Case {
        let count = 1 + self.dice.below(3);
        self.services = SERVICES[..count].to_vec();
        let mut case = Case { name, ..Case::default() };
        let mut body = String::new();
        let anchor = self.dice.percent(20);
        for index in 0..count {
            self.earlier = index;
            let size = 1 + self.dice.below(5);
            let mut keys = self.keys(size, false);
            self.relations(index, anchor, &mut keys);
            body += &written(self.services[index], &keys);
        }
        if self.dice.percent(8) {
            body = self.mistake(body);
        }
        if self.dice.percent(40) {
            let over = self.overlay();
            case = case.with("over.yaml", over);
            case.arguments = ["-f", "compose.yaml", "-f", "over.yaml"].map(Into::into).into();
        }
        let include = self.dice.percent(12);
        if include {
            let keys = self.keys(3, true);
            case = case.with("sub/more.yaml", format!("services:\n{}", written("more", &keys)));
        }
        let head = if anchor { self.anchored() } else { String::new() };
        let definitions = self.definitions();
        let include = if include { "include: [sub/more.yaml]\n" } else { "" };
        case = case.with("compose.yaml", format!("{head}{include}services:\n{body}{definitions}"));
        self.surroundings(&mut case);
        case
    }

    /// Some keys of a service, each once; `alone` leaves out what needs other parts of the project.
    fn keys(&mut self, count: usize, alone: bool) -> Vec<(String, String)> {
        let all = self.grammar.keys(char::is_alphanumeric);
        let mut chosen: Vec<(String, String)> = Vec::new();
        for _ in 0..count {
            let key = *self.dice.pick(&all);
            let form = *self.dice.pick(&self.grammar.0[key]);
            let needs = ["%N", "%V", "%S", "%K", "%C", "a.env"];
            if chosen.iter().any(|(other, _)| other == key)
                || alone && needs.iter().any(|token| form.contains(token))
                || self.earlier == 0 && form.contains("%S")
            {
                continue;
            }
            let form = self.fill(form);
            let key = self.fill(key);
            if !chosen.iter().any(|(other, _)| *other == key) {
                chosen.push((key, form));
            }
        }
        if !chosen.iter().any(|(key, _)| key == "image" || key == "build") {
            chosen.insert(0, ("image".to_owned(), "i".to_owned()));
        }
        chosen
    }

    /// `extends`, profiles and merge keys.
    fn relations(&mut self, index: usize, anchor: bool, keys: &mut Vec<(String, String)>) {
        if index > 0 && self.dice.percent(20) {
            let base = self.services[self.dice.below(index)];
            keys.push(("extends".to_owned(), format!("{{service: {base}}}")));
        }
        if self.dice.percent(10) {
            let profile = *self.dice.pick(&["dev", "prod"]);
            keys.push(("profiles".to_owned(), format!("[{profile}]")));
        }
        if anchor && self.dice.percent(60) {
            keys.insert(0, ("<<".to_owned(), "*common".to_owned()));
        }
    }

    fn anchored(&mut self) -> String {
        let keys = self.keys(3, true);
        let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}: {value}")).collect();
        format!("x-common: &common {{{}}}\n", keys.join(", "))
    }

    fn mistake(&mut self, body: String) -> String {
        let all = self.grammar.keys(|c| c == '!');
        let key = *self.dice.pick(&all);
        let form = *self.dice.pick(&self.grammar.0[key]);
        body + &written(
            "wrong",
            &[("image".to_owned(), "i".to_owned()), (key[1..].to_owned(), self.fill(form))],
        )
    }

    /// A second file over some of the services.
    fn overlay(&mut self) -> String {
        let mut text = "services:\n".to_owned();
        for (index, service) in self.services.clone().into_iter().enumerate() {
            self.earlier = index;
            if self.dice.percent(30) {
                continue;
            }
            let size = 1 + self.dice.below(4);
            let mut keys = self.keys(size, false);
            for (key, value) in &mut keys {
                match self.dice.below(16) {
                    0 => *value = format!("!override {value}"),
                    1 if key != "image" => "!reset null".clone_into(value),
                    _ => {}
                }
            }
            text += &written(service, &keys);
        }
        if text == "services:\n" { "x-nothing: 1\n".to_owned() } else { text }
    }

    fn definitions(&mut self) -> String {
        let mut text = String::new();
        for (kind, names) in std::mem::take(&mut self.used) {
            let _ = writeln!(text, "{kind}:");
            let key = self.grammar.0.keys().find(|key| key.strip_prefix('@') == Some(kind));
            let forms = self.grammar.0[key.expect("a definition of each kind")].clone();
            for name in names {
                let form = *self.dice.pick(&forms);
                let form = self.fill(form);
                let _ = writeln!(text, "  {name}: {form}");
            }
        }
        text
    }

    fn surroundings(&mut self, case: &mut Case) {
        let texts: String = case.files.values().map(String::as_str).collect();
        for file in ["a.env", "b.env"] {
            if texts.contains(file) {
                let lines = self.lines();
                case.files.insert(file.to_owned(), lines);
            }
        }
        if self.dice.percent(40) {
            let lines = self.lines();
            case.files.insert(".env".to_owned(), lines);
        }
        if self.dice.percent(60) {
            case.environment.insert("A".to_owned(), "one".to_owned());
        }
        case.environment.insert("B".to_owned(), "two $x".to_owned());
        if self.dice.percent(50) {
            case.environment.insert("E".to_owned(), String::new());
        }
        if self.dice.percent(30) {
            case.arguments.extend(["--profile", "dev"].map(str::to_owned));
        }
    }

    fn lines(&mut self) -> String {
        let count = 1 + self.dice.below(4);
        let forms = self.grammar.0[".env"].clone();
        (0..count)
            .map(|_| {
                let form = *self.dice.pick(&forms);
                self.fill(form) + "\n"
            })
            .collect()
    }

    /// Replaces the signs of a form.
    fn fill(&mut self, form: &str) -> String {
        self.taken.clear();
        self.filled(form)
    }

    fn filled(&mut self, form: &str) -> String {
        let mut text = String::new();
        let mut rest = form;
        while let Some((before, after)) = rest.split_once('%') {
            text += before;
            let sign = after.chars().next().expect("a sign behind %");
            text += &self.sign(sign);
            rest = &after[sign.len_utf8()..];
        }
        text + rest
    }

    fn sign(&mut self, sign: char) -> String {
        match sign {
            'n' => (1 + self.dice.below(9)).to_string(),
            's' if self.dice.percent(50) => {
                let form = *self.dice.pick(&VARIABLES);
                self.filled(form)
            }
            's' | 'w' => self.word(),
            'q' => format!("\"{}\"", self.sign('s')),
            'p' => (8000 + self.dice.below(40)).to_string(),
            'd' => (*self.dice.pick(&["5s", "1m30s", "90s", "1h", "500ms"])).to_owned(),
            'b' => (*self.dice.pick(&["64m", "1g", "512k", "\"1048576\"", "1.5gb"])).to_owned(),
            't' => (*self.dice.pick(&["true", "false"])).to_owned(),
            'i' => format!("10.0.{}.{}", self.dice.below(9), 2 + self.dice.below(200)),
            'c' => (*self.dice.pick(&PATHS)).to_owned(),
            'S' => (*self.dice.pick(&self.services[..self.earlier])).to_owned(),
            'N' => self.name("networks", &["front", "back"]),
            'V' => self.name("volumes", &["data", "cache"]),
            'K' => self.name("secrets", &["token", "key"]),
            'C' => self.name("configs", &["conf", "site"]),
            other => panic!("no sign: %{other}"),
        }
    }

    fn word(&mut self) -> String {
        let free: Vec<_> = WORDS.into_iter().filter(|word| !self.taken.contains(word)).collect();
        let word = *self.dice.pick(if free.is_empty() { &WORDS } else { &free });
        self.taken.push(word);
        word.to_owned()
    }

    fn name(&mut self, kind: &'static str, names: &[&str]) -> String {
        let name = (*self.dice.pick(names)).to_owned();
        self.used.entry(kind).or_default().insert(name.clone());
        name
    }
}

fn written(service: &str, keys: &[(String, String)]) -> String {
    let mut text = format!("  {service}:\n");
    for (key, value) in keys {
        let _ = writeln!(text, "    {key}: {value}");
    }
    text
}
