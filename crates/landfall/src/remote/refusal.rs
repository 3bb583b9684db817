//! What `ssh` means by what it writes to standard error. Its texts are not translated, and its exit
//! code is 255 for everything.

/// Lines of `ssh` that are shown.
const LINES_MAX: usize = 6;
const LINE_CHARS_MAX: usize = 300;

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No key of ours may log in.
    Key,
    /// The host's key is not known, and nobody was there to be asked.
    UnknownHost,
    /// The host has another key than the one that is known.
    ChangedHost,
    /// The name leads nowhere.
    Name,
    /// Nothing listens there.
    Port,
    /// There is no way there.
    Way,
    /// No answer in time.
    Silence,
    /// The other side hung up before it said anything useful.
    HungUp,
    /// The two have no algorithm in common.
    Algorithms,
    /// Its own configuration is broken.
    Config,
    /// The connection stands, but sockets may not be forwarded.
    Forward,
    /// Anything else.
    Other,
}

impl Refusal {
    /// Whether trying again may help without anybody doing something.
    pub(crate) fn may_pass(self) -> bool {
        match self {
            Self::Name
            | Self::Port
            | Self::Way
            | Self::Silence
            | Self::HungUp
            | Self::Forward
            | Self::Other => true,
            Self::Key | Self::UnknownHost | Self::ChangedHost | Self::Algorithms | Self::Config => {
                false
            }
        }
    }
}

/// Texts of `ssh`, most telling first: a message about a host's key is followed by others.
const TEXTS: [(&str, Refusal); 26] = [
    ("REMOTE HOST IDENTIFICATION HAS CHANGED", Refusal::ChangedHost),
    ("REVOKED HOST KEY", Refusal::ChangedHost),
    ("differs from the key for the IP address", Refusal::ChangedHost),
    ("Host key verification failed", Refusal::UnknownHost),
    ("Bad configuration option", Refusal::Config),
    ("Bad owner or permissions on", Refusal::Config),
    ("terminating, ", Refusal::Config),
    ("Can't open user config file", Refusal::Config),
    ("Permission denied (", Refusal::Key),
    ("Permission denied, please try again", Refusal::Key),
    ("Too many authentication failures", Refusal::Key),
    ("no matching host key type found", Refusal::Algorithms),
    ("no matching key exchange method found", Refusal::Algorithms),
    ("no matching cipher found", Refusal::Algorithms),
    ("Could not resolve hostname", Refusal::Name),
    ("Connection refused", Refusal::Port),
    ("No route to host", Refusal::Way),
    ("Network is unreachable", Refusal::Way),
    ("Connection timed out", Refusal::Silence),
    ("Operation timed out", Refusal::Silence),
    ("not responding", Refusal::Silence),
    ("forwarding", Refusal::Forward),
    ("Connection reset", Refusal::HungUp),
    ("Connection closed", Refusal::HungUp),
    ("Broken pipe", Refusal::HungUp),
    ("Connection to UNKNOWN port", Refusal::HungUp),
];

/// What is behind a text.
pub(crate) fn classify(stderr: &str) -> Refusal {
    let found = TEXTS.iter().find(|(text, _)| stderr.contains(text));
    found.map_or(Refusal::Other, |(_, refusal)| *refusal)
}

/// The lines that a person should see, the last ones first kept.
pub(crate) fn telling_lines(stderr: &str) -> Vec<String> {
    let is_frame = |line: &str| line.chars().all(|c| c == '@');
    let is_noise = |line: &str| {
        line.is_empty()
            || is_frame(line)
            || line.starts_with("debug")
            || line.starts_with("Warning: Permanently added")
    };
    let lines = stderr.lines().map(|line| line.trim().trim_matches('@').trim());
    let lines: Vec<String> = lines
        .filter(|line| !is_noise(line))
        .map(|line| line.chars().take(LINE_CHARS_MAX).collect())
        .collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As OpenSSH 9.2 writes them.
    const CHANGED: &str = "\
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @
@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@
IT IS POSSIBLE THAT SOMEONE IS DOING SOMETHING NASTY!
Someone could be eavesdropping on you right now (man-in-the-middle attack)!
It is also possible that a host key has just been changed.
The fingerprint for the ED25519 key sent by the remote host is
SHA256:uNiVztksCsDhcc0u9e8BrqjX3DPuJ3bzb6WuOpGlfC8.
Please contact your system administrator.
Add correct host key in /home/ann/.ssh/known_hosts to get rid of this message.
Offending ED25519 key in /home/ann/.ssh/known_hosts:3
Host key for prod has changed and you have requested strict checking.
Host key verification failed.
";

    #[test]
    fn what_ssh_says_is_understood() {
        let unknown = "No ED25519 host key is known for prod and you have requested strict checking.\n\
                       Host key verification failed.\n";
        for (text, expected) in [
            (CHANGED, Refusal::ChangedHost),
            (unknown, Refusal::UnknownHost),
            ("Host key verification failed.\r\n", Refusal::UnknownHost),
            ("deploy@prod: Permission denied (publickey).\r\n", Refusal::Key),
            ("deploy@prod: Permission denied (publickey,password).\r\n", Refusal::Key),
            (
                "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures\r\n\
                 Disconnected from 10.0.0.1 port 22\r\n",
                Refusal::Key,
            ),
            ("ssh: Could not resolve hostname prod: Name or service not known\r\n", Refusal::Name),
            ("ssh: connect to host prod port 22: Connection refused\r\n", Refusal::Port),
            ("ssh: connect to host prod port 22: No route to host\r\n", Refusal::Way),
            ("ssh: connect to host prod port 22: Network is unreachable\r\n", Refusal::Way),
            ("ssh: connect to host prod port 22: Connection timed out\r\n", Refusal::Silence),
            ("Connection timed out during banner exchange\r\n", Refusal::Silence),
            ("Timeout, server prod not responding.\r\n", Refusal::Silence),
            (
                "kex_exchange_identification: read: Connection reset by peer\r\n\
                 Connection reset by 10.0.0.1 port 22\r\n",
                Refusal::HungUp,
            ),
            (
                "kex_exchange_identification: Connection closed by remote host\r\n\
                 Connection closed by UNKNOWN port 65535\r\n",
                Refusal::HungUp,
            ),
            (
                "Unable to negotiate with 10.0.0.1 port 22: no matching host key type found. \
                 Their offer: ssh-rsa\r\n",
                Refusal::Algorithms,
            ),
            (
                "/home/ann/.ssh/config: line 3: Bad configuration option: prot\r\n\
                 /home/ann/.ssh/config: terminating, 1 bad configuration options\r\n",
                Refusal::Config,
            ),
            (
                "mux_client_forward: forwarding request failed: Port forwarding failed\r\n",
                Refusal::Forward,
            ),
            ("something new\n", Refusal::Other),
            ("", Refusal::Other),
        ] {
            assert_eq!(classify(text), expected, "{text}");
        }
    }

    #[test]
    fn frames_and_chatter_are_not_shown() {
        let lines = telling_lines(CHANGED);
        assert_eq!(lines.len(), LINES_MAX);
        assert_eq!(lines.last().unwrap(), "Host key verification failed.");
        let chatter = "debug1: x\nWarning: Permanently added 'h' (ED25519)\n@@@@\n\nh: no\r\n";
        assert_eq!(telling_lines(chatter), ["h: no"]);
    }
}
