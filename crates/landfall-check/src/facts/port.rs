//! Published ports, from short and long forms. What cannot be read is left out: loading says why.

use landfall_compose::View;
use landfall_core::diagnostic::Location;

/// One entry of `ports`.
#[derive(Debug, Clone)]
pub(crate) struct Port {
    pub(crate) host_ip: Option<String>,
    /// First and last host port; `None` when the engine picks one.
    pub(crate) published: Option<(u16, u16)>,
    /// First and last container port.
    pub(crate) target: (u16, u16),
    pub(crate) protocol: String,
    pub(crate) at: Location,
}

impl Port {
    /// Whether others than this host can reach it.
    pub(crate) fn is_public(&self) -> bool {
        let host_ip = self.host_ip.as_deref().unwrap_or_default();
        matches!(host_ip, "" | "0.0.0.0" | "::" | "[::]")
    }

    pub(crate) fn has_target(&self, port: u16) -> bool {
        (self.target.0..=self.target.1).contains(&port)
    }

    pub(crate) fn publishes(&self, port: u16) -> bool {
        self.published.is_some_and(|(first, last)| (first..=last).contains(&port))
    }

    /// A host port that both want on the same address.
    pub(crate) fn collides(&self, other: &Self) -> Option<u16> {
        let (a, b) = (self.published?, other.published?);
        let address = |port: &Self| (!port.is_public()).then(|| port.host_ip.clone()).flatten();
        let (ours, theirs) = (address(self), address(other));
        let same_address = ours.is_none() || theirs.is_none() || ours == theirs;
        // A range that is wider than what it publishes leaves the engine a choice.
        let fixed = |port: &Self, host: (u16, u16)| {
            host.1.saturating_sub(host.0) <= port.target.1.saturating_sub(port.target.0)
        };
        let first = a.0.max(b.0);
        let overlap = first <= a.1.min(b.1);
        let collides = overlap && same_address && self.protocol == other.protocol;
        (collides && fixed(self, a) && fixed(other, b)).then_some(first)
    }

    /// The host's side as it is written.
    pub(crate) fn shown(&self) -> String {
        match self.published {
            Some((first, last)) if first == last => first.to_string(),
            Some((first, last)) => format!("{first}-{last}"),
            None => "a free port".to_owned(),
        }
    }
}

/// The ports of a service.
pub(crate) fn ports(service: View<'_>) -> Vec<Port> {
    service.get("ports").into_iter().flat_map(View::items).filter_map(port).collect()
}

fn port(view: View<'_>) -> Option<Port> {
    if !view.is_mapping() {
        return short(&view.printed()?, view.at());
    }
    let text = |key: &str| view.get(key).and_then(View::printed);
    Some(Port {
        host_ip: text("host_ip").filter(|ip| !ip.is_empty()),
        published: text("published").and_then(|p| range(&p)),
        target: range(&text("target")?)?,
        protocol: text("protocol").unwrap_or_else(|| "tcp".to_owned()),
        at: view.at(),
    })
}

fn short(text: &str, at: Location) -> Option<Port> {
    let (ports, protocol) = text.rsplit_once('/').unwrap_or((text, "tcp"));
    let (rest, container) = ports.rsplit_once(':').map_or((None, ports), |(r, c)| (Some(r), c));
    let (ip, host) = match rest {
        Some(rest) => rest.rsplit_once(':').map_or(("", rest), |(ip, host)| (ip, host)),
        None => ("", ""),
    };
    let host_ip = (!ip.is_empty()).then(|| ip.trim_matches(['[', ']']).to_owned());
    let published = range(host);
    let protocol = protocol.to_ascii_lowercase();
    Some(Port { host_ip, published, target: range(container)?, protocol, at })
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first > 0 && first <= last).then_some((first, last))
}
