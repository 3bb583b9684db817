//! What runs and how: image, command, environment files, logging, devices and small switches.

use landfall_core::spec::{Device, DeviceRequest, Logging, PullPolicy};

use super::keys::Rule::{self, Take};
use super::service::{EnvFile, Restart, ServiceDraft};
use super::{Decoder, Keys};
use crate::env::Format;
use crate::report::Code;
use crate::short::words;
use crate::source::Spanned;
use crate::yaml::{Entry, Node, Value};

impl Decoder<'_> {
    /// `command` and `entrypoint`: a list, or a line that is split into words.
    pub(super) fn command(&mut self, node: &Node) -> Option<Vec<String>> {
        let Value::Text(line) = &node.value else { return Some(self.texts(node)) };
        match words::split(line) {
            Ok(split) => {
                if let Some(operator) = split.stopped_at {
                    let message =
                        format!("`{}` ends at `{operator}`: no shell reads it", self.here());
                    self.report
                        .warning(Code::Surprising, node.span, message)
                        .hint("write `[\"sh\", \"-c\", \"…\"]` to use a shell");
                }
                Some(split.words)
            }
            Err(why) => {
                self.invalid(node, &why);
                None
            }
        }
    }

    pub(super) fn switch(&mut self, entry: &Entry, into: &mut bool) {
        if let Some(value) = self.boolean(&entry.value) {
            *into = value;
        }
    }

    /// `extra_hosts` as `host:address`.
    pub(super) fn hosts(&mut self, node: &Node) -> Vec<String> {
        let mut hosts = Vec::new();
        self.each(node, |d, item| {
            let Some(text) = d.text(item) else { return };
            match text.split_once('=') {
                Some((host, address)) if !host.is_empty() && !address.is_empty() => {
                    let addresses = address.split(',');
                    hosts.extend(addresses.map(|address| format!("{host}:{address}")));
                }
                _ => {
                    d.invalid(item, "must be `HOST=ADDRESS`");
                }
            }
        });
        hosts
    }
}

pub(super) fn image(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    // What is wrong stays, so that nobody says that there is none.
    let image = d.text(&entry.value).unwrap_or_default();
    if entry.value.as_text().is_some() && (image.is_empty() || image.contains(char::is_whitespace))
    {
        d.invalid(&entry.value, "must be the name of an image");
    }
    service.image = Some(Spanned::new(image, entry.value.span));
}

pub(super) fn container_name(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let Some(name) = d.text(&entry.value) else { return };
    let message = "`container_name` is a name on the app's networks only: two releases cannot have \
                   one container";
    d.report
        .warning(Code::Differently, entry.key, message)
        .hint("outside, find the containers by the label `landfall.service`");
    service.container_name = Some(Spanned::new(name, entry.key));
}

pub(super) fn pull_policy(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let Some(policy) = d.text(&entry.value) else { return };
    service.pull = match policy.as_str() {
        "missing" | "if_not_present" => Some(PullPolicy::Missing),
        "always" => Some(PullPolicy::Always),
        "never" => Some(PullPolicy::Never),
        "build" => Some(PullPolicy::Build),
        "daily" | "weekly" => Some(aged(d, entry)),
        other if other.starts_with("every_") => Some(aged(d, entry)),
        _ => {
            d.invalid(&entry.value, "must be `missing`, `always`, `never` or `build`");
            return;
        }
    };
}

/// A release keeps its digests, so age counts at a deploy alone.
fn aged(d: &mut Decoder<'_>, entry: &Entry) -> PullPolicy {
    let how = "the registry is asked at every deploy, as with `always`";
    d.differently("this `pull_policy`", entry.value.span, how);
    PullPolicy::Always
}

pub(super) fn restart(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let policy = match &entry.value.value {
        Value::Bool(false) => "no".to_owned(),
        _ => match d.text(&entry.value) {
            Some(policy) => policy,
            None => return,
        },
    };
    let (name, attempts) = policy.split_once(':').unwrap_or((&policy, ""));
    let restart = match (name, attempts) {
        ("no", "") => Restart::No,
        ("always" | "unless-stopped" | "on-failure", "") => Restart::Stays,
        ("on-failure", attempts) if attempts.parse::<u32>().is_ok() => {
            let how = "it is started again as often as it ends";
            d.differently("`restart` with a number of attempts", entry.value.span, how);
            Restart::Stays
        }
        _ => {
            d.invalid(
                &entry.value,
                "must be `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`",
            );
            return;
        }
    };
    service.restart = Some(Spanned::new(restart, entry.value.span));
}

pub(super) fn env_files(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let mut draft = EnvFileDraft { required: true, ..EnvFileDraft::default() };
        d.keys(item, &ENV_FILE, &mut draft);
        match draft.path {
            Some(path) => service.env_files.push(EnvFile {
                path,
                required: draft.required,
                format: draft.format.unwrap_or(Format::Dotenv),
            }),
            None if item.as_mapping().is_some() => {
                d.report.error(Code::KeyMissing, item.span, "an `env_file` needs a `path`");
            }
            None => {}
        }
    });
}

#[derive(Default)]
struct EnvFileDraft {
    path: Option<Spanned<String>>,
    required: bool,
    format: Option<Format>,
}

const ENV_FILE: Keys<EnvFileDraft> = Keys { owner: "an `env_file`", rules: ENV_FILE_RULES };
const ENV_FILE_RULES: &[(&str, Rule<EnvFileDraft>)] = &[
    (
        "path",
        Take(|d, e, f| f.path = d.text(&e.value).map(|path| Spanned::new(path, e.value.span))),
    ),
    ("required", Take(|d, e, f| d.switch(e, &mut f.required))),
    (
        "format",
        Take(|d, e, f| match d.text(&e.value).as_deref() {
            Some("raw") => f.format = Some(Format::Raw),
            Some(_) => {
                d.invalid(&e.value, "the only other format is `raw`");
            }
            None => {}
        }),
    ),
];

pub(super) fn label_files(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let path = d.text(item).map(|path| Spanned::new(path, item.span));
        service.label_files.extend(path);
    });
}

pub(super) fn logging(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    let mut logging = Logging { driver: None, options: std::collections::BTreeMap::new() };
    d.keys(&entry.value, &LOGGING, &mut logging);
    service.container.logging = Some(logging);
}

const LOGGING: Keys<Logging> = Keys {
    owner: "`logging`",
    rules: &[
        ("driver", Take(|d, e, l| l.driver = d.text(&e.value))),
        ("options", Take(|d, e, l| l.options = d.pairs(&e.value))),
    ],
};

pub(super) fn devices(d: &mut Decoder<'_>, entry: &Entry, service: &mut ServiceDraft) {
    d.each(&entry.value, |d, item| {
        let mut device =
            Device { source: String::new(), target: String::new(), permissions: "rwm".to_owned() };
        if let Some(text) = item.as_text() {
            let mut parts = text.split(':').map(str::to_owned);
            device.source = parts.next().unwrap_or_default();
            device.target = parts.next().unwrap_or_default();
            device.permissions = parts.next().unwrap_or(device.permissions);
        } else {
            d.keys(item, &DEVICE, &mut device);
        }
        if device.target.is_empty() {
            device.target.clone_from(&device.source);
        }
        if !device.source.starts_with('/') {
            // The Container Device Interface: `vendor.com/class=name`.
            if device.source.contains('/') && device.source.contains('=') {
                service.container.device_requests.push(DeviceRequest {
                    driver: Some("cdi".to_owned()),
                    device_ids: vec![device.source],
                    ..DeviceRequest::default()
                });
            } else {
                d.invalid(item, "a device is the absolute path of one");
            }
            return;
        }
        if !is_shareable(&device.source) {
            service.exclusive_devices.push(item.span);
        }
        service.container.devices.push(device);
    });
}

/// Devices that any number of containers use at once; others, such as a serial port, belong to one.
fn is_shareable(device: &str) -> bool {
    const SHAREABLE: &[&str] = &[
        "/dev/dri",
        "/dev/full",
        "/dev/fuse",
        "/dev/infiniband",
        "/dev/kfd",
        "/dev/kvm",
        "/dev/net/tun",
        "/dev/null",
        "/dev/ppp",
        "/dev/random",
        "/dev/shm",
        "/dev/snd",
        "/dev/urandom",
        "/dev/vhost-net",
        "/dev/zero",
    ];
    let is = |known: &str| {
        device.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    device.starts_with("/dev/nvidia") || SHAREABLE.iter().any(|known| is(known))
}

const DEVICE: Keys<Device> = Keys {
    owner: "a device",
    rules: &[
        ("source", Take(|d, e, device| device.source = d.text(&e.value).unwrap_or_default())),
        ("target", Take(|d, e, device| device.target = d.text(&e.value).unwrap_or_default())),
        (
            "permissions",
            Take(|d, e, device| device.permissions = d.text(&e.value).unwrap_or_default()),
        ),
    ],
};
