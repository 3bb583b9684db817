//! A container's log, as lines of bounded length with their time and stream.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::{Stream, StreamExt as _};
use landfall_deploy::ports::{EngineError, EngineErrorKind};

use crate::client::{DockerEngine, SHORT};
use crate::error::{self, Call};
use crate::{name, timestamp};

/// Longer lines are cut.
const LINE_MAX: usize = 64 * 1024;
/// Lines that are shown as a reason are cut earlier.
const REASON_LINE_MAX: usize = 2_000;

/// Which lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// Go on until the container ends.
    pub follow: bool,
    /// Only the last so many; `None` is all.
    pub tail: Option<usize>,
    /// Only since this time, in seconds since 1970.
    pub since_s: Option<u64>,
}

/// Where a line was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogStream {
    /// Standard output, or a terminal.
    Out,
    /// Standard error.
    Err,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Where it was written.
    pub stream: LogStream,
    /// Without its end, at most 64 KiB.
    pub text: String,
    /// When the engine got it, in milliseconds since 1970.
    pub at_ms: Option<u64>,
}

impl DockerEngine {
    /// Log lines, oldest first. With `follow` the stream goes on until the container ends; dropping it
    /// ends it at once.
    pub async fn logs(
        &self,
        container: &str,
        options: &LogOptions,
    ) -> Result<impl Stream<Item = Result<LogLine, EngineError>> + Send + Unpin + use<>, EngineError>
    {
        let tail = options.tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let since = options.since_s.and_then(|s| i32::try_from(s).ok()).unwrap_or(0);
        let query = LogsOptionsBuilder::new()
            .stdout(true)
            .stderr(true)
            .timestamps(true)
            .follow(options.follow)
            .tail(&tail)
            .since(since)
            .build();
        let docker = self.docker().await?.clone();
        let frames = docker.logs(name::object(container)?, Some(query)).boxed();
        Ok(Lines { frames, assembler: Assembler::default(), ended: false })
    }

    pub(crate) async fn tail(
        &self,
        container: &str,
        lines: usize,
    ) -> Result<Vec<String>, EngineError> {
        let options = LogOptions { tail: Some(lines), ..LogOptions::default() };
        let mut stream = self.logs(container, &options).await?;
        let mut last = VecDeque::new();
        let reading = async {
            while let Some(line) = stream.next().await {
                let mut text = line?.text;
                cut(&mut text, REASON_LINE_MAX);
                last.push_back(text);
                if last.len() > lines {
                    last.pop_front();
                }
            }
            Ok(())
        };
        match tokio::time::timeout(SHORT, reading).await {
            Ok(Ok(())) => Ok(last.into()),
            Ok(Err(error)) if cannot_be_read(&error) => Ok(Vec::new()),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(error::timeout(Call::Ask, SHORT)),
        }
    }
}

/// Some log drivers only write.
fn cannot_be_read(error: &EngineError) -> bool {
    error.kind != EngineErrorKind::NotFound && error.message.contains("does not support reading")
}

struct Lines {
    frames: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    assembler: Assembler,
    ended: bool,
}

impl Stream for Lines {
    type Item = Result<LogLine, EngineError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(line) = self.assembler.ready.pop_front() {
                return Poll::Ready(Some(Ok(line)));
            }
            if self.ended {
                return Poll::Ready(None);
            }
            match self.frames.as_mut().poll_next(context) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Some(Ok(frame))) => {
                    let (stream, bytes) = match frame {
                        LogOutput::StdErr { message } => (LogStream::Err, message),
                        LogOutput::StdOut { message }
                        | LogOutput::StdIn { message }
                        | LogOutput::Console { message } => (LogStream::Out, message),
                    };
                    self.assembler.push(stream, &bytes);
                }
                Poll::Ready(Some(Err(e))) => {
                    self.ended = true;
                    return Poll::Ready(Some(Err(error::of(Call::Ask, &e))));
                }
                Poll::Ready(None) => {
                    self.ended = true;
                    self.assembler.finish();
                }
            }
        }
    }
}

/// Makes lines of what the engine sends: it splits long ones, and puts a time before each part.
#[derive(Debug, Default)]
struct Assembler {
    out: Option<(Option<u64>, Vec<u8>)>,
    err: Option<(Option<u64>, Vec<u8>)>,
    ready: VecDeque<LogLine>,
}

impl Assembler {
    fn push(&mut self, stream: LogStream, bytes: &[u8]) {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let (at_ms, text) = match timestamp::split(piece) {
                Some((at_ms, text)) => (Some(at_ms), text),
                None => (None, piece),
            };
            let (_, line) = self.part(stream).get_or_insert_with(|| (at_ms, Vec::new()));
            // One byte more than allowed shows that something was cut.
            let room = (LINE_MAX + 1).saturating_sub(line.len());
            let (text, ends) = match text.strip_suffix(b"\n") {
                Some(text) => (text, true),
                None => (text, false),
            };
            line.extend_from_slice(&text[..text.len().min(room)]);
            if ends {
                self.emit(stream);
            }
        }
    }

    fn finish(&mut self) {
        self.emit(LogStream::Out);
        self.emit(LogStream::Err);
    }

    fn emit(&mut self, stream: LogStream) {
        let Some((at_ms, bytes)) = self.part(stream).take() else { return };
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        let mut text = String::from_utf8_lossy(bytes).into_owned();
        cut(&mut text, LINE_MAX);
        self.ready.push_back(LogLine { stream, text, at_ms });
    }

    fn part(&mut self, stream: LogStream) -> &mut Option<(Option<u64>, Vec<u8>)> {
        match stream {
            LogStream::Out => &mut self.out,
            LogStream::Err => &mut self.err,
        }
    }
}

fn cut(text: &mut String, max: usize) {
    if text.len() > max {
        text.truncate(text.floor_char_boundary(max));
        text.push('…');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(frames: &[(LogStream, &str)]) -> Vec<LogLine> {
        let mut assembler = Assembler::default();
        for (stream, bytes) in frames {
            assembler.push(*stream, bytes.as_bytes());
        }
        assembler.finish();
        assembler.ready.into()
    }

    fn line(stream: LogStream, text: &str, at_ms: u64) -> LogLine {
        LogLine { stream, text: text.into(), at_ms: Some(at_ms) }
    }

    #[test]
    fn a_line_that_comes_in_parts_is_one_line_with_its_first_time() {
        use LogStream::{Err, Out};
        let frames = [
            (Out, "1970-01-01T00:00:01Z hel"),
            (Err, "1970-01-01T00:00:02Z oops\n"),
            (Out, "1970-01-01T00:00:03Z lo\r\n"),
            (Out, "1970-01-01T00:00:04Z no end"),
        ];
        let expected =
            [line(Err, "oops", 2000), line(Out, "hello", 1000), line(Out, "no end", 4000)];
        assert_eq!(lines(&frames), expected);
    }

    #[test]
    fn a_line_is_cut_and_the_next_one_is_whole() {
        let long = format!("1970-01-01T00:00:01Z {}", "é".repeat(LINE_MAX));
        let frames =
            [(LogStream::Out, long.as_str()), (LogStream::Out, "1970-01-01T00:00:01Z x\n")];
        let seen = lines(&[frames[0], frames[1], (LogStream::Out, "1970-01-01T00:00:02Z y\n")]);
        assert_eq!(seen.len(), 2);
        assert!(seen[0].text.len() <= LINE_MAX + '…'.len_utf8() && seen[0].text.ends_with('…'));
        assert_eq!(seen[1], line(LogStream::Out, "y", 2000));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_as_such() {
        let mut assembler = Assembler::default();
        assembler.push(LogStream::Out, b"\xff\xfe\n");
        assert_eq!(assembler.ready[0].text, "\u{fffd}\u{fffd}");
        assert_eq!(assembler.ready[0].at_ms, None);
    }
}
