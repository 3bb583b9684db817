//! An agent that answers from a list, to see how the command line shows what it says.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Mutex};

use landfall_api::{Event, Problem, VERSION, VERSION_HEADER};
use serde::Serialize;

/// Answers by method and path, one after the other; the last one stays.
#[derive(Default)]
pub(crate) struct Answers(BTreeMap<String, Vec<Answer>>);

#[derive(Clone)]
struct Answer {
    status: u16,
    body: String,
}

impl Answers {
    /// One JSON value.
    pub(crate) fn json(self, call: &str, status: u16, value: &impl Serialize) -> Self {
        self.add(call, status, serde_json::to_string(value).unwrap())
    }

    /// A refusal.
    pub(crate) fn problem(self, call: &str, problem: &Problem) -> Self {
        let status = problem.code.http_status();
        self.json(call, status, problem)
    }

    /// Events of a rollout.
    pub(crate) fn events(self, call: &str, events: &[Event]) -> Self {
        self.lines(call, events)
    }

    /// Values, one a line.
    pub(crate) fn lines(self, call: &str, values: &[impl Serialize]) -> Self {
        let line = |value| serde_json::to_string(value).unwrap() + "\n";
        let body = values.iter().map(line).collect();
        self.add(call, 200, body)
    }

    fn add(mut self, call: &str, status: u16, body: String) -> Self {
        self.0.entry(call.to_owned()).or_default().push(Answer { status, body });
        self
    }

    /// Serves until the test process ends. What is not in the list is answered with 500.
    pub(crate) fn serve(self, socket: &Path) -> Calls {
        let listener = UnixListener::bind(socket).unwrap();
        let calls = Calls::default();
        let (seen, mut answers) = (calls.clone(), self.0);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let (call, body) = read(&stream);
                let answer = take(&mut answers, &call);
                seen.0.lock().unwrap().push((call, body));
                write(&mut stream, &answer);
            }
        });
        calls
    }
}

/// What was asked: method and path, and the body.
#[derive(Clone, Default)]
pub(crate) struct Calls(Arc<Mutex<Vec<(String, String)>>>);

impl Calls {
    /// The bodies of one call.
    pub(crate) fn bodies(&self, call: &str) -> Vec<String> {
        let calls = self.0.lock().unwrap();
        calls.iter().filter(|(seen, _)| seen == call).map(|(_, body)| body.clone()).collect()
    }
}

fn take(answers: &mut BTreeMap<String, Vec<Answer>>, call: &str) -> Answer {
    match answers.get_mut(call) {
        Some(list) if list.len() > 1 => list.remove(0),
        Some(list) => list[0].clone(),
        None => Answer { status: 500, body: format!("nobody answers {call}") },
    }
}

fn read(stream: &UnixStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).unwrap();
    let call = request.rsplit_once(' ').map(|(call, _)| call.to_owned()).unwrap_or_default();
    let (mut length, mut chunked) = (0, false);
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        chunked |= line == "transfer-encoding: chunked";
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    while chunked {
        let mut size = String::new();
        reader.read_line(&mut size).unwrap();
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        reader.read_exact(&mut chunk).unwrap();
        body.extend_from_slice(&chunk[..size]);
        chunked = size > 0;
    }
    (call, String::from_utf8_lossy(&body).into_owned())
}

fn write(stream: &mut UnixStream, answer: &Answer) {
    let head = format!(
        "HTTP/1.1 {} X\r\n{VERSION_HEADER}: {VERSION}\r\nconnection: close\r\n\r\n",
        answer.status
    );
    // The client may have hung up: then the test says what it got.
    stream.write_all(head.as_bytes()).ok();
    stream.write_all(answer.body.as_bytes()).ok();
}
